"""STARTRECORDING."""

from __future__ import annotations

from typing import ClassVar

from appliance.messages.recording_request import RecordingRequest


class StartRecording(RecordingRequest):
    """Records the device's call from now on, whatever the schedules say.

    The data that are passed become those of the call. Without an open call the device is recorded all the same, until
    STOPRECORDING, CALLSTOP or CALLSTART. Keeping, priority and limits are those of the best schedule of the kind
    API Initiated (or On-Demand where AGENTINITIATED is Y) that matches; else 30 days and priority 50.
    """

    automatic: ClassVar[bool] = False
    reconstructed: ClassVar[str] = "sources have the name and the result codes alone"
    returns: ClassVar[tuple[str, ...]] = (
        "API_RECORDING_STARTED: the recording began, or waits for the call's media",
        "API_ERROR_ALREADY_RECORDING: the call is being recorded",
        "API_ERROR_OUT_OF_DISK_SPACE: the disk has less room than the reserve",
        "API_ERROR_NO_FREE_CHANNELS: every channel that might serve is taken",
        "API_DEVICE_ALIAS_UNSPECIFIED: no key given",
        "API_DEVICE_INVALID: no device matches",
        "API_ERROR_RECORDER_NOT_RUNNING: no core could be told, or the line does not work",
        "API_ERROR_BLOCKED_RECORDING_FILTER: a recording filter forbids it",
        "API_REQUESTID_INVALID: REQUESTID out of range",
        "API_ERROR_PROCESSING_MESSAGE: a value that cannot be used",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = (
        {"REQUESTID": "81", "DEVICEID": "5551", "USER2": "Threat", "AGENTINITIATED": "Y"},
        {"REQUESTID": "82"},
    )
