"""STARTRECORDINGAUTO."""

from __future__ import annotations

from typing import ClassVar

from appliance.messages.recording_request import RecordingRequest


class StartRecordingAuto(RecordingRequest):
    """Asks the scheduler to decide anew on the device's open call.

    The data that are passed become those of the call first. Schedules of the kind API Initiated take part.
    """

    automatic: ClassVar[bool] = True
    reconstructed: ClassVar[str] = "sources have the name and the result codes alone"
    returns: ClassVar[tuple[str, ...]] = (
        "API_RECORDING_STARTED: the recording began, or waits for the call's media",
        "API_ERROR_ALREADY_RECORDING: the call is being recorded",
        "API_ERROR_OUT_OF_DISK_SPACE: the disk has less room than the reserve",
        "API_ERROR_NO_FREE_CHANNELS: every channel that might serve is taken",
        "API_DEVICE_ALIAS_UNSPECIFIED: no key given",
        "API_DEVICE_NOT_IN_CALL: the device has no open call",
        "API_DEVICE_INVALID: no device matches",
        "API_DID_NOT_MATCH_A_SCHEDULE: no schedule takes the call; RESULTMSG tells why",
        "API_ERROR_RECORDER_NOT_RUNNING: no core could be told, or the line does not work",
        "API_ERROR_BLOCKED_RECORDING_FILTER: a recording filter forbids it",
        "API_REQUESTID_INVALID: REQUESTID out of range",
        "API_ERROR_PROCESSING_MESSAGE: a value that cannot be used",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = ({"REQUESTID": "83", "DEVICEALIAS": "DESK5", "GROUP": "Claims"},)
