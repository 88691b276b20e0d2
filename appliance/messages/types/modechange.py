"""MODECHANGE."""

from __future__ import annotations

from typing import Annotated, ClassVar

from appliance.bus.commands import Services
from appliance.bus.control import ChangeMode
from appliance.errors import DeviceUnspecifiedError, ModeInvalidError, RequestError
from appliance.messages.device_list import MODES
from appliance.messages.device_request import DeviceRequest
from appliance.messages.origin import Origin
from appliance.messages.parameter import Choice
from appliance.messages.result import Result


class ModeChange(DeviceRequest):
    """Tells what the agent at a device does.

    With the setting `device_modes` DEVICELIST and DEVICESTATUS show it behind COREIDENT as MODE, MODESTR and
    LASTMODECHANGE. It changes nothing about recording, and is forgotten when the box stops.
    """

    keys_fault: ClassVar[type[RequestError]] = DeviceUnspecifiedError
    reconstructed: ClassVar[str] = "sources show its parameters, not its answer"
    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: every core was told",
        "API_PARTIAL_CORE_RESPONSE: some cores could not be told; RESULTMSG lists them",
        "API_ERROR_RECORDER_NOT_RUNNING: no core could be told",
        "API_DEVICE_ALIAS_UNSPECIFIED: no key given",
        "API_DEVICE_INVALID: no device matches",
        "API_BLANK_REQUIRED_VALUE: no MODE",
        "API_MODE_INVALID: no such MODE; numbers are none",
        "API_REQUESTID_INVALID: REQUESTID out of range",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = (
        {"REQUESTID": "85", "DEVICEID": "5551", "MODE": "MODE_LUNCH"},
        {"REQUESTID": "86", "DEVICEID": "5551", "MODE": "7"},
    )

    mode: Annotated[
        str | None,
        Choice(
            "what the agent does", words=tuple(f"MODE_{mode}" for mode in MODES), required=True, fault=ModeInvalidError
        ),
    ] = None

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Find the device and tell the cores."""
        command = ChangeMode(device_id=await self.device(services), mode=str(self.mode))
        return self.delivered(await services.bus.send(command), services)
