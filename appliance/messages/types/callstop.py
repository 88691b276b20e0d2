"""CALLSTOP."""

from __future__ import annotations

from typing import ClassVar

from appliance.bus.commands import Services, StopCall
from appliance.messages.device_request import DeviceRequest
from appliance.messages.origin import Origin
from appliance.messages.result import Result


class CallStop(DeviceRequest):
    """Tells that the call ended, and ends its recording.

    A device without an open call is no error: the cores are told, and nothing happens (7 with the setting
    ``strict_call_state``).
    """

    request_id_required: ClassVar[bool] = True
    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: every core was told",
        "API_PARTIAL_CORE_RESPONSE: some cores could not be told; RESULTMSG lists them",
        "API_ERROR_RECORDER_NOT_RUNNING: no core could be told",
        "API_DEVICE_INVALID: no key given, or no device matches",
        "API_DEVICE_NOT_IN_CALL: no open call, with strict_call_state",
        "API_REQUESTID_INVALID: REQUESTID missing or out of range",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = ({"REQUESTID": "33", "DEVICEID": "5551"},)

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Find the device and tell the cores."""
        command = StopCall(device_id=await self.device(services), call_instance=self.call_instance)
        delivery = await services.bus.send(command)
        self.judge_call_state(delivery, services)
        return self.delivered(delivery, services)
