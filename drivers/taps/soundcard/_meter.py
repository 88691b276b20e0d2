"""What can be seen of a card's lines at any moment: levels of the last second, and how long nobody has spoken.

All lines of the card are measured at once. Whoever speaks is found as on a line that voice starts
(:mod:`drivers.taps.soundcard._vox`), by longer windows: it decides when a silence began, not where a word does.
"""

from __future__ import annotations

import collections
import itertools
import math
from collections.abc import Sequence
from typing import Final, NamedTuple, final

import numpy as np

from drivers.taps.soundcard._portion import FULL_SCALE, Portion
from drivers.taps.soundcard._vox import Vox, VoxRules
from drivers.taps.soundcard._windows import Windows

WINDOW_S: Final = 0.05
_FULL: Final = FULL_SCALE**2 / 2
_LEAST: Final = 1e-12


@final
class Reading(NamedTuple):
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
        self._last_s = math.inf
        # Of the last second, in parts: frames, energies, peaks.
        self._shown: collections.deque[tuple[int, list[float], list[int]]] = collections.deque()
        self._shown_frames = 0

    def take(self, portion: Portion, moment_s: float) -> None:
        """Measure frames that were captured until ``moment_s``."""
        self._last_s = moment_s
        levels = self._windows.take(portion.samples)
        portion.energies = self._windows.energies.tolist()
        self._show(portion)
        if not levels.size:
            return
        if len(self._legs) < len(levels):
            levels = np.maximum.reduceat(levels, self._firsts, axis=0)
        for vox, of_line in zip(self._vox, levels.tolist(), strict=True):
            vox.take(of_line)

    def break_off(self) -> None:
        """Show no levels until the card gives frames again; whoever was silent stays so."""
        self._windows.clear()
        self._shown.clear()
        self._shown_frames = 0

    def read(self, now_s: float) -> list[Reading | None]:
        """Read every line in order; None for all as long as the card gives nothing."""
        if not self._shown:
            return [None] * len(self._legs)
        _, energies, peaks = zip(*self._shown, strict=True)
        levels = [_shown_dbfs(sum(of_leg) / self._shown_frames) for of_leg in zip(*energies, strict=True)]
        tops = [_shown_dbfs(max(of_leg) ** 2 / 2) for of_leg in zip(*peaks, strict=True)]  # 0 of a full-scale sine too
        away_s = self._away_s(now_s)
        return [
            Reading(tuple(levels[at : at + legs]), tuple(tops[at : at + legs]), vox.voice, vox.quiet_s + away_s)
            for at, legs, vox in zip(self._firsts, self._legs, self._vox, strict=True)
        ]

    def quiet_s(self, line: int, now_s: float) -> float:
        """Seconds since the last voice on the line, or since the first frame; the time without a card counts."""
        return self._vox[line].quiet_s + self._away_s(now_s)

    def _away_s(self, now_s: float) -> float:
        return max(0.0, now_s - self._last_s)

    def _show(self, portion: Portion) -> None:
        """Keep the last second, and not much more."""
        if not portion.frames:
            return
        self._shown.append((portion.frames, portion.energies, portion.peaks))
        self._shown_frames += portion.frames
        while self._shown_frames - self._shown[0][0] >= self._rate_hz:
            self._shown_frames -= self._shown.popleft()[0]


def _shown_dbfs(mean_square: float) -> float:
    """Give it to a tenth, a full-scale sine being 0 and silence -120. In plain numbers: they are few."""
    return math.floor(100 * math.log10(max(mean_square / _FULL, _LEAST)) + 0.5) / 10
