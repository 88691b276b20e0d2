"""When each frame was captured: a card's frames against the system's monotonic clock."""

from __future__ import annotations

import math
from typing import Final, final

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

    ``frames`` counts those that were made of the card's at the rate that is stored. Where the converter holds some back
    they are a few less than were captured, and stand for their own moments all the same.
    """

    def __init__(self, card_rate_hz: int, rate_hz: int | None = None) -> None:
        self.frames = 0
        self.first_s = math.nan
        self._captured_frames = 0
        self._card_rate_hz = card_rate_hz
        self._rate_hz = rate_hz or card_rate_hz
        self._bucket_end_s = math.nan
        self._bucket = (math.nan, math.inf)  # moment, and moment of frame 0 by it
        self._before_s = math.inf
        self._drift = _Drift()
        self.drift_ppm: float | None = None

    def take(self, captured_frames: int, read_s: float, frames: int | None = None) -> None:
        """Count frames of the card, which were all that was there at ``read_s``, and those that were made of them."""
        self._captured_frames += captured_frames
        self.frames += captured_frames if frames is None else frames
        zero_s = read_s - self._captured_frames / self._card_rate_hz
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
        self._sums = _Sums()

    def take(self, moment_s: float, zero_s: float) -> None:
        self._newest.append((moment_s, zero_s))
        if len(self._newest) < self._step:
            return
        self._points.append(min(self._newest, key=lambda point: point[1]))
        self._sums.add(*self._points[-1])
        self._newest.clear()
        if len(self._points) >= _MOST_POINTS:
            pairs = zip(self._points[::2], self._points[1::2], strict=True)
            self._points = [min(pair, key=lambda point: point[1]) for pair in pairs]
            self._step *= 2
            self._sums = _Sums()
            for point in self._points:
                self._sums.add(*point)

    def ppm(self) -> float | None:
        if len(self._points) < 3 or self._points[-1][0] - self._points[0][0] < _LEAST_S - _BUCKET_S:
            return None
        return -1e6 * self._sums.slope()


@final
class _Sums:
    """What the slope of a line through points needs of them, counted from the first one."""

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None
        self._count = 0
        self._x = self._y = self._xx = self._xy = 0.0

    def add(self, x: float, y: float) -> None:
        self._first = self._first or (x, y)
        x, y = x - self._first[0], y - self._first[1]
        self._count += 1
        self._x, self._y = self._x + x, self._y + y
        self._xx, self._xy = self._xx + x * x, self._xy + x * y

    def slope(self) -> float:
        return (self._count * self._xy - self._x * self._y) / (self._count * self._xx - self._x**2)
