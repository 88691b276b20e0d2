"""What BLACKOUTSTART and BLACKOUTSTOP share."""

from __future__ import annotations

import abc
from typing import Annotated, ClassVar

from appliance import clock
from appliance.bus.commands import Services
from appliance.bus.control import BeginBlackout, EndBlackout
from appliance.messages.delivery import told_cores
from appliance.messages.device_request import DeviceRequest
from appliance.messages.origin import Origin
from appliance.messages.parameter import Number
from appliance.messages.result import Result

_DAY_S = 86_400


class BlackoutRequest(DeviceRequest, abc.ABC):
    """Request about the silence of a device's call, at the moment of its receipt and an offset."""

    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: every core was told, or some; RESULTMSG lists those that could not be told",
        "API_ERROR_RECORDER_NOT_RUNNING: no core could be told, or a recording does not take the order",
        "API_DEVICE_INVALID: no key given, or no device matches",
        "API_DEVICE_NOT_IN_CALL: no open call, with strict_call_state",
        "API_BLACKOUT_INVALID_STATE: a second start, a stop without a start, with strict_call_state",
        "API_UNLICENSED: blackouts are switched off",
        "API_REQUESTID_INVALID: REQUESTID out of range",
        "API_ERROR_PROCESSING_MESSAGE: TIMEOFFSET is no integer, or longer than a day",
    )

    time_offset_s: Annotated[
        int | None,
        Number(
            "seconds before (negative) or after now; 0 while nobody says",
            name="TIMEOFFSET",
            lowest=-_DAY_S,
            highest=_DAY_S,
        ),
    ] = None

    @abc.abstractmethod
    def command(self, device_id: str, at_mono_s: float, *, strict: bool) -> BeginBlackout | EndBlackout:
        """Give the command for the cores."""

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Find the device and tell the cores. The moment is that of the receipt, however long the look-up takes."""
        at_mono_s = clock.monotonic_s() + (self.time_offset_s or 0)
        strict = services.strict_call_state or services.api.strict_call_state
        command = self.command(await self.device(services), at_mono_s, strict=strict)
        delivery = await services.bus.send(command)
        self.judge_call_state(delivery, services)
        told = {"device_id": command.device_id, "offset_s": self.time_offset_s or 0, "in_call": delivery.in_call}
        self.note(services, origin, after=told)
        return self.result(message=told_cores(self.envelope.request_type, delivery))  # API_OK for some cores, too
