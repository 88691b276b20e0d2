"""What STARTRECORDING and STARTRECORDINGAUTO share."""

from __future__ import annotations

import abc
from typing import ClassVar

from appliance.bus.commands import Services
from appliance.bus.control import StartRecording
from appliance.errors import DeviceUnspecifiedError, RequestError, ResultCode
from appliance.messages.origin import Origin
from appliance.messages.result import Result
from appliance.messages.start_data import StartData


class RecordingRequest(StartData, abc.ABC):
    """Request for a recording of a device's call; answered when the recording began or cannot begin."""

    keys_fault: ClassVar[type[RequestError]] = DeviceUnspecifiedError
    automatic: ClassVar[bool]

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Find the device and have the core begin."""
        self.judge_folder(services)
        command = StartRecording(
            device_id=await self.device(services),
            call_instance=self.call_instance,
            fields=self.told(),
            use_cti_call_info=bool(self.use_cti_call_info),
            automatic=self.automatic,
        )
        self.delivered(await services.bus.send(command), services)
        self.note(services, origin, after={"device_id": command.device_id})
        started = ResultCode.API_RECORDING_STARTED
        return self.result(result_type=started.label, code=started.value, message=started.label)
