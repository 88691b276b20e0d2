"""BLACKOUTSTOP."""

from __future__ import annotations

from typing import ClassVar

from appliance.bus.control import EndBlackout
from appliance.messages.blackout_request import BlackoutRequest


class BlackoutStop(BlackoutRequest):
    """Ends the blackout of a call now, or TIMEOFFSET seconds before or after now, but never before its begin.

    What lies before the hold-back has been written as silence and stays so. A device without a blackout is no error.
    """

    samples: ClassVar[tuple[dict[str, str], ...]] = ({"REQUESTID": "73", "DEVICEID": "5551"},)

    def command(self, device_id: str, at_mono_s: float, *, strict: bool) -> EndBlackout:
        """End."""
        return EndBlackout(device_id=device_id, call_instance=self.call_instance, at_mono_s=at_mono_s, strict=strict)
