"""CALLSTART."""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath
from typing import Annotated, Any, ClassVar

from appliance.bus.commands import Services, StartCall
from appliance.errors import ValueInvalidError
from appliance.messages.call_data import DESCRIPTIVE, CallData
from appliance.messages.origin import Origin
from appliance.messages.parameter import Flag, Number, Text
from appliance.messages.result import Result

_FIELDS = (
    *("device_alias", "sys_user", "crm_user", "station", *DESCRIPTIVE, "call_id", "priority", "archive_action"),
    *("keep_days", "max_record_time_s", "max_record_silence_s", "agent_initiated", "cti_initiated"),
    *("dial_to_monitor", "override_disk_location"),
)


class CallStart(CallData):
    """Tells that a call began on a device.

    The scheduler decides whether it is recorded; the answer says only which cores were told. A second CALLSTART of
    the same device and instance ends the call that is open and begins another. STATIONNAME beside a DEVICEID is the
    station of this call.
    """

    request_id_required: ClassVar[bool] = True
    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: every core was told",
        "API_PARTIAL_CORE_RESPONSE: some cores could not be told; RESULTMSG lists them",
        "API_ERROR_RECORDER_NOT_RUNNING: no core could be told",
        "API_DEVICE_INVALID: no key given, or no device matches",
        "API_REQUESTID_INVALID: REQUESTID missing or out of range",
        "API_ERROR_PROCESSING_MESSAGE: a value that cannot be used",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = (
        {"REQUESTID": "31", "DEVICEID": "5551", "ANI": "4930555001", "DNIS": "8005550", "USER1": "Silver"},
        {"REQUESTID": "32", "SYS_USER": "nobody"},
    )

    max_record_silence_s: Annotated[
        int | None, Number("seconds of silence that end the recording; 0 is no limit", name="MAXRECORDSILENCE")
    ] = None
    max_record_time_s: Annotated[
        int | None, Number("seconds after which the recording ends; 0 is no limit", name="MAXRECORDTIME")
    ] = None
    agent_initiated: Annotated[bool | None, Flag("the agent asked for it", name="AGENTINITIATED")] = None
    cti_initiated: Annotated[bool | None, Flag("a CTI asked for it", name="CTIINITIATED")] = None
    use_cti_call_info: Annotated[
        bool | None, Flag("fill what is not passed from what was last told of the device", name="USECTICALLINFO")
    ] = None
    dial_to_monitor: Annotated[str | None, Text("number to dial to hear the call", name="DIALTOMONITOR", length=20)] = (
        None
    )
    override_disk_location: Annotated[
        str | None,
        Text(
            "folder of the recording, inside a recording path of the box",
            name="OVERRIDEDISKLOCATION",
            length=150,
            over_long="refuse",
            blank="is not passed",
        ),
    ] = None

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Find the device and tell the cores."""
        self._judge_folder(services)
        command = StartCall(
            device_id=await self.device(services),
            call_instance=self.call_instance or "",
            fields=self._fields(),
            use_cti_call_info=bool(self.use_cti_call_info),
        )
        return self.delivered(await services.bus.send(command), services)

    def _fields(self) -> dict[str, Any]:
        fields = self.passed(_FIELDS)
        for limit in ("max_record_time_s", "max_record_silence_s"):
            if fields.get(limit) == 0:
                del fields[limit]
        return fields

    def _judge_folder(self, services: Services) -> None:
        # Nobody proves who they are on this port, so no client may name a folder outside the recordings.
        if self.override_disk_location is None:
            return
        folder = PurePosixPath(posixpath.normpath(self.override_disk_location))
        if not any(folder.is_relative_to(root) for root in services.recording_roots):
            raise ValueInvalidError("OVERRIDEDISKLOCATION lies outside the recording paths")
