"""When each frame was captured: a card's frames against the system's monotonic clock."""

from __future__ import annotations

import math
from typing import Final, final

import numpy as np

_BUCKET_S: Final = 1.0
_MOST_POINTS: Final = 512
_LEAST_S: Final = 10.0


@final
class Run:
    """Frames of a card without a break, from the opening of its stream or the end of an overrun on.

    Whoever reads all that is there at a moment t and has n frames then knows that frame n was not captured later than
    t: t - n / rate is the moment of frame 0, or somewhat late. The least of a second or two is the best, and follows
    a card's clock that drifts. ``drift_ppm`` is how much faster than the system's the card's clock goes; None before
    there are ten seconds to tell by.
    """

    def __init__(self, rate_hz: int) -> None:
        self.frames = 0
        self.first_s = math.nan
        self._rate_hz = rate_hz
        self._bucket_end_s = math.nan
        self._bucket = (math.nan, math.inf)  # moment, and moment of frame 0 by it
        self._before_s = math.inf
        self._drift = _Drift()
        self.drift_ppm: float | None = None

    def take(self, frames: int, read_s: float) -> None:
        """Count ``frames`` more, which were all that was there at ``read_s``."""
        self.frames += frames
        zero_s = read_s - self.frames / self._rate_hz
        if math.isnan(self.first_s):
            self.first_s = zero_s
            self._bucket_end_s = read_s + _BUCKET_S
        if read_s >= self._bucket_end_s:
            self._drift.take(*self._bucket)
            self.drift_ppm = self._drift.ppm()
            self._before_s, self._bucket = self._bucket[1], (math.nan, math.inf)
            self._bucket_end_s = read_s + _BUCKET_S
        if zero_s < self._bucket[1]:
            self._bucket = (read_s, zero_s)

    def at_s(self, frame: int) -> float:
        """Moment at which a frame was, or will be, captured; not before the first :meth:`take`."""
        return self._zero_s + frame / self._rate_hz

    def frame_at(self, moment_s: float) -> int:
        """First frame captured at or after a moment; not before the first :meth:`take`."""
        return max(0, math.ceil((moment_s - self._zero_s) * self._rate_hz - 1e-3))

    @property
    def _zero_s(self) -> float:
        return min(self._before_s, self._bucket[1])


@final
class _Drift:
    """A line through (moment, moment of frame 0). Its points stay few: two neighbours become the earlier one."""

    def __init__(self) -> None:
        self._points: list[tuple[float, float]] = []
        self._step = 1  # points taken for one that is kept
        self._newest: list[tuple[float, float]] = []

    def take(self, moment_s: float, zero_s: float) -> None:
        self._newest.append((moment_s, zero_s))
        if len(self._newest) < self._step:
            return
        self._points.append(min(self._newest, key=lambda point: point[1]))
        self._newest.clear()
        if len(self._points) >= _MOST_POINTS:
            pairs = zip(self._points[::2], self._points[1::2], strict=True)
            self._points = [min(pair, key=lambda point: point[1]) for pair in pairs]
            self._step *= 2

    def ppm(self) -> float | None:
        if len(self._points) < 3 or self._points[-1][0] - self._points[0][0] < _LEAST_S - _BUCKET_S:
            return None
        moments_s, zeros_s = np.array(self._points).T
        moments_s, zeros_s = moments_s - moments_s.mean(), zeros_s - zeros_s.mean()
        return float(-1e6 * (moments_s @ zeros_s) / (moments_s @ moments_s))
