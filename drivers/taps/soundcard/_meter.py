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

from drivers.taps.soundcard._portion import Portion
from drivers.taps.soundcard._vox import Vox, VoxRules
from drivers.taps.soundcard._windows import Windows, dbfs_of

WINDOW_S: Final = 0.05


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
        self._shown: collections.deque[Portion] = collections.deque()  # of the last second
        self._shown_frames = 0

    def take(self, portion: Portion, moment_s: float) -> None:
        """Measure frames that were captured until ``moment_s``."""
        self._last_s = moment_s
        self._show(portion)
        levels = self._windows.take(portion.samples)
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
        energies = map(sum, zip(*[portion.energies for portion in self._shown], strict=True))
        peaks = map(max, zip(*[portion.peaks for portion in self._shown], strict=True))
        powers = [energy / self._shown_frames for energy in energies], [peak**2 / 2 for peak in peaks]
        levels, tops = dbfs_of(np.array(powers), 1).round(1).tolist()  # both of a full-scale sine are 0
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
        self._shown.append(portion)
        self._shown_frames += portion.frames
        while self._shown_frames - self._shown[0].frames >= self._rate_hz:
            self._shown_frames -= self._shown.popleft().frames
