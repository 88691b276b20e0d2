"""What CALLSTART and the STARTRECORDING family may tell of a call."""

from __future__ import annotations

import abc
import posixpath
from pathlib import PurePosixPath
from typing import Annotated, Any

from appliance.bus.commands import Services
from appliance.errors import ValueInvalidError
from appliance.messages.call_data import DESCRIPTIVE, CallData
from appliance.messages.parameter import Flag, Number, Text

_FIELDS = (
    *("device_alias", "sys_user", "crm_user", "station", *DESCRIPTIVE, "call_id", "priority", "archive_action"),
    *("keep_days", "max_record_time_s", "max_record_silence_s", "agent_initiated", "cti_initiated"),
    *("dial_to_monitor", "override_disk_location"),
)


class StartData(CallData, abc.ABC):
    """Request with everything that may be told of a call at its begin."""

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

    def told(self) -> dict[str, Any]:
        """Give the fields of the call that were passed."""
        fields = self.passed(_FIELDS)
        for limit in ("max_record_time_s", "max_record_silence_s"):
            if fields.get(limit) == 0:
                del fields[limit]
        return fields

    def judge_folder(self, services: Services) -> None:
        """Raise ValueInvalidError for a folder outside the recording paths."""
        # Nobody proves who they are on this port, so no client may name a folder outside the recordings.
        if self.override_disk_location is None:
            return
        folder = PurePosixPath(posixpath.normpath(self.override_disk_location))
        if not any(folder.is_relative_to(root) for root in services.recording_roots):
            raise ValueInvalidError("OVERRIDEDISKLOCATION lies outside the recording paths")
