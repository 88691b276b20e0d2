"""CALLSTART."""

from __future__ import annotations

from typing import ClassVar

from appliance.bus.commands import Services, StartCall
from appliance.messages.origin import Origin
from appliance.messages.result import Result
from appliance.messages.start_data import StartData


class CallStart(StartData):
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

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Find the device and tell the cores."""
        self.judge_folder(services)
        command = StartCall(
            device_id=await self.device(services),
            call_instance=self.call_instance or "",
            fields=self.told(),
            use_cti_call_info=bool(self.use_cti_call_info),
        )
        return self.delivered(await services.bus.send(command), services)
