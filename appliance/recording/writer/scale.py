"""Moments and frames of one recording."""

from __future__ import annotations

import dataclasses
import math
from typing import Final, final

from appliance.recording.writer.intervals import Span
from appliance.spool.reader import SessionReader

FOREVER: Final = 1 << 62
_NUDGE: Final = 0.01  # of a frame: more than floats of a long uptime lose, less than anybody hears


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Scale:
    """The recording's frame 0 stands for ``begin_mono_s``. No frame is below 0."""

    begin_mono_s: float
    rate_hz: int

    def nearest(self, mono_s: float) -> int:
        """Frame nearest to a moment."""
        return max(0, round((mono_s - self.begin_mono_s) * self.rate_hz))

    def before(self, mono_s: float) -> int:
        """Last frame that begins at a moment or before it."""
        return max(0, math.floor((mono_s - self.begin_mono_s) * self.rate_hz + _NUDGE))

    def behind(self, mono_s: float) -> int:
        """First frame that begins at a moment or behind it."""
        return max(0, math.ceil((mono_s - self.begin_mono_s) * self.rate_hz - _NUDGE))

    def seconds(self, frames: int) -> float:
        """Length of so many frames, to the microsecond."""
        return round(frames / self.rate_hz, 6)


def blackout_spans(reader: SessionReader, scale: Scale) -> dict[int, Span]:
    """Give the blackouts by their number; one that goes on has no end (:data:`FOREVER`)."""
    spans: dict[int, Span] = {}
    for number, (began, ended) in reader.blackouts.items():
        begin = scale.before(began.from_mono_s)
        end = scale.behind(ended.until_mono_s) if ended else FOREVER
        spans[number] = Span(begin, max(begin, end))
    return spans
