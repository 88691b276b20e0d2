"""What can be seen of a card's lines at any moment: levels of the last second, and how long nobody has spoken.

All lines of the card are measured at once. Whoever speaks is found as on a line that voice starts
(:mod:`drivers.taps.soundcard._vox`), by longer windows: it decides when a silence began, not where a word does.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Final, final

import numpy as np
import numpy.typing as npt

from drivers.taps.soundcard._portion import FULL_SCALE, Portion, dbfs
from drivers.taps.soundcard._vox import Vox, VoxRules
from drivers.taps.soundcard._windows import Windows, mean_squares

WINDOW_S: Final = 0.05
_LEAST_DBFS: Final = -120.0  # of digital silence


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """Levels of a line's legs in dBFS, a full-scale sine being 0; ``quiet_s`` counts from the last voice."""

    level_dbfs: tuple[float, ...]
    peak_dbfs: tuple[float, ...]
    voice: bool
    quiet_s: float


@final
class Meter:
    """Measures the rows of a card's lines, of which ``legs`` are each line's, in order."""

    def __init__(self, legs: Sequence[int], rate_hz: int, rules: VoxRules) -> None:
        self._firsts = [0, *itertools.accumulate(legs)][:-1]
        self._legs = tuple(legs)
        self._rate_hz = rate_hz
        self._windows = Windows(round(WINDOW_S * rate_hz))
        self._vox = [Vox(rules, WINDOW_S) for _ in legs]
        self._last_s = math.nan
        self._shown: collections.deque[Portion] = collections.deque()  # of the last second

    def take(self, portion: Portion, moment_s: float) -> None:
        """Measure frames that were captured until ``moment_s``."""
        self._last_s = moment_s
        self._show(portion)
        levels = mean_squares(self._windows.take(portion.samples))
        if not levels.shape[1]:
            return
        if len(self._legs) < len(levels):
            levels = np.maximum.reduceat(levels, self._firsts, axis=0)
        for vox, levels_dbfs in zip(self._vox, _dbfs(levels).tolist(), strict=True):
            for level_dbfs in levels_dbfs:
                vox.take(level_dbfs)

    def break_off(self) -> None:
        """Show no levels until the card gives frames again; whoever was silent stays so."""
        self._windows.clear()
        self._shown.clear()

    def read(self, now_s: float) -> list[Reading | None]:
        """Read every line in order; None for all as long as the card gives nothing."""
        frames = sum(portion.frames for portion in self._shown)
        if not frames:
            return [None] * len(self._legs)
        readings: list[Reading | None] = []
        for number, (first, legs) in enumerate(zip(self._firsts, self._legs, strict=True)):
            energies = [sum(portion.energies[leg] for portion in self._shown) for leg in range(first, first + legs)]
            peaks = [max(portion.peak(leg) for portion in self._shown) for leg in range(first, first + legs)]
            readings.append(
                Reading(
                    level_dbfs=tuple(_shown_dbfs(energy / frames) for energy in energies),
                    peak_dbfs=tuple(_shown_dbfs(peak**2 / 2) for peak in peaks),  # of a full-scale sine it is 0 too
                    voice=self._vox[number].voice,
                    quiet_s=self.quiet_s(number, now_s),
                )
            )
        return readings

    def quiet_s(self, line: int, now_s: float) -> float:
        """Seconds since the last voice on the line, or since the first frame; the time without a card counts."""
        return self._vox[line].quiet_s + (max(0.0, now_s - self._last_s) if not math.isnan(self._last_s) else 0.0)

    def _show(self, portion: Portion) -> None:
        """Keep the last second, and not much more."""
        self._shown.append(portion)
        while sum(portion.frames for portion in self._shown) - self._shown[0].frames >= self._rate_hz:
            self._shown.popleft()


def _shown_dbfs(mean_square: float) -> float:
    return max(_LEAST_DBFS, round(dbfs(mean_square), 1))


def _dbfs(mean_squares: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    floor = FULL_SCALE**2 / 2 * 10 ** (_LEAST_DBFS / 10)
    levels: npt.NDArray[np.float64] = 10 * np.log10(np.maximum(mean_squares, floor) * (2 / FULL_SCALE**2))
    return levels
