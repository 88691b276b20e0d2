"""What EXTENSIONPLAYBACKSTART and EXTENSIONPLAYBACKSTOP share."""

from __future__ import annotations

import abc
from typing import Annotated, ClassVar

from appliance.bus.commands import Services
from appliance.errors import ActionInvalidError, DeviceInvalidError, RequiredBlankError
from appliance.messages.parameter import Choice, Text
from appliance.messages.request import Request


class PlaybackRequest(Request, abc.ABC):
    """Request about what is played to a phone."""

    keys: ClassVar[tuple[str, ...]] = ("device", "crm_user", "sys_user")

    device: Annotated[
        str | None,
        Text(
            "number to dial",
            synonyms=("DEVICEID",),
            length=64,
            over_long="refuse",
            blank="is not passed",
            fault=DeviceInvalidError,
        ),
    ] = None
    crm_user: Annotated[
        str | None,
        Text(
            "CRM user of the agent, whose device is dialled where no DEVICE is given",
            synonyms=("CRMUSERNAME",),
            length=30,
            over_long="refuse",
            blank="is not passed",
            fault=DeviceInvalidError,
        ),
    ] = None
    sys_user: Annotated[
        str | None,
        Text(
            "network user of the agent, likewise",
            synonyms=("SYSUSERNAME",),
            length=30,
            over_long="refuse",
            blank="is not passed",
            fault=DeviceInvalidError,
        ),
    ] = None
    barge_code: Annotated[
        str | None,
        Text(
            "code that joins the call at the device",
            name="BARGECODE",
            length=25,
            over_long="refuse",
            blank="is not passed",
        ),
    ] = None
    playback_type: Annotated[
        str | None,
        Choice(
            "how; BARGE while nobody says and there is a BARGECODE, else DIAL. SSC: the line finds the call at the "
            "device by the PBX's word and joins it; where no line can, it is done like BARGE",
            name="PLAYBACKTYPE",
            words=("BARGE", "SSC", "DIAL"),
            fault=ActionInvalidError,
        ),
    ] = None

    async def phone(self, services: Services) -> str:
        """Give the number to dial. Raises DeviceInvalidError."""
        if self.device:
            return self.device
        return await services.devices.resolve(crm_user=self.crm_user or "", sys_user=self.sys_user or "")

    def code(self) -> str:
        """Give the code to dial first; blank for a call of its own. Raises RequiredBlankError."""
        if self.playback_type == "DIAL":
            return ""
        if self.playback_type == "BARGE" and not self.barge_code:
            raise RequiredBlankError("BARGECODE is required")
        return self.barge_code or ""
