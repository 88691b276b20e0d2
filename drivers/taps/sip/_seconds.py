"""The seconds of one leg in which something was amiss: facts for the recording's proof."""

from __future__ import annotations

from collections import Counter
from typing import Final, final

from drivers.taps.sip._meter import Change

MOST_TOLD: Final = 300
"""A call that is bad all the time need not say it of every second for hours."""


@final
class Seconds:
    """What was lost, came too late or was concealed, by the second. ``left_out`` counts those past the most told."""

    def __init__(self) -> None:
        self.left_out = 0
        self._second = -1
        self._amiss: Counter[str] = Counter()
        self._told = 0

    def take(self, second: int, change: Change) -> dict[str, int]:
        """Give the facts of a second, all looks at it together; empty where nothing is to be told."""
        amiss = {
            "lost": change.missing + change.refused,
            "late_frames": change.dropped_frames,
            "concealed_frames": change.silent_frames,
        }
        if not any(amiss.values()):
            return {}
        if second != self._second:
            self._second = second
            self._amiss.clear()
            if self._told >= MOST_TOLD:
                self.left_out += 1
            else:
                self._told += 1
        for name, number in amiss.items():
            self._amiss[name] += number
        return {} if self.left_out else dict(self._amiss)
