"""When memory runs short, audio is held back for less time: better on the disk early than lost."""

from __future__ import annotations

from typing import Final, final

_HIGH: Final = 0.9
_LOW: Final = 0.7
_SMALLEST_S: Final = 0.25


@final
class Pressure:
    """The hold-back as the spool's room allows it: halved each turn above 90 %, doubled again below 70 %.

    The room is what the settings allow, or what the spool's file system has if that is less.
    """

    def __init__(self, holdback_s: float, most_bytes: int) -> None:
        self.holdback_s = holdback_s
        self.high = False
        self._wanted_s = holdback_s
        self._most_bytes = most_bytes

    def turn(self, used_bytes: int, free_bytes: int) -> None:
        """Take the spool's use as it is now; ``high`` says whether memory is short."""
        share = used_bytes / max(1, min(self._most_bytes, used_bytes + free_bytes))
        if share >= _HIGH:
            self.high = True
            self.holdback_s = self.holdback_s / 2 if self.holdback_s > _SMALLEST_S else 0.0
        elif share < _LOW:
            self.high = False
            self.holdback_s = min(self._wanted_s, max(self.holdback_s, _SMALLEST_S) * 2)
