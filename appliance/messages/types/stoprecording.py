"""STOPRECORDING."""

from __future__ import annotations

from typing import ClassVar

from appliance.bus import control
from appliance.bus.commands import Services
from appliance.errors import DeviceUnspecifiedError, RequestError, ResultCode
from appliance.messages.device_request import DeviceRequest
from appliance.messages.origin import Origin
from appliance.messages.result import Result


class StopRecording(DeviceRequest):
    """Ends the recording of the device's call; the call goes on."""

    keys_fault: ClassVar[type[RequestError]] = DeviceUnspecifiedError
    reconstructed: ClassVar[str] = "sources have the name and the result codes alone"
    returns: ClassVar[tuple[str, ...]] = (
        "API_RECORDING_STOPPED: it was being recorded, or waited for its media",
        "API_DEVICE_NOT_RECORDING: it was not",
        "API_DEVICE_ALIAS_UNSPECIFIED: no key given",
        "API_DEVICE_INVALID: no device matches",
        "API_ERROR_RECORDER_NOT_RUNNING: no core could be told",
        "API_REQUESTID_INVALID: REQUESTID out of range",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = ({"REQUESTID": "84", "DEVICEID": "5551"},)

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Find the device and have the core end."""
        device_id = await self.device(services)
        command = control.StopRecording(device_id=device_id, call_instance=self.call_instance)
        self.delivered(await services.bus.send(command), services)
        self.note(services, origin, after={"device_id": device_id})
        stopped = ResultCode.API_RECORDING_STOPPED
        return self.result(result_type=stopped.label, code=stopped.value, message=stopped.label)
