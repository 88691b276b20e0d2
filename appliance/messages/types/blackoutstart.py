"""BLACKOUTSTART."""

from __future__ import annotations

from typing import ClassVar

from appliance.bus.control import BeginBlackout
from appliance.messages.blackout_request import BlackoutRequest


class BlackoutStart(BlackoutRequest):
    """Makes the recording of a call silent from now on, or from TIMEOFFSET seconds before or after now.

    Audio that is called back within the hold-back never reaches the disk; earlier audio is overwritten there. The
    length of the recording does not change. A blackout that nobody stops ends with the call (with the setting
    `blackout_tied_to` it goes on through the agent's calls), or after `blackout_max_s`. A device without a call or a
    recording is no error.
    """

    samples: ClassVar[tuple[dict[str, str], ...]] = (
        {"REQUESTID": "71", "DEVICEALIAS": "DESK5", "TIMEOFFSET": "-5"},
        {"REQUESTID": "72", "SYS_USER": "nobody"},
    )

    def command(self, device_id: str, at_mono_s: float, *, strict: bool) -> BeginBlackout:
        """Begin."""
        return BeginBlackout(device_id=device_id, call_instance=self.call_instance, at_mono_s=at_mono_s, strict=strict)
