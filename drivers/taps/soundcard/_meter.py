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
_LEAST: Final = 1e-12
_SILENCE_DBFS: Final = -120.0


@final
class Reading(NamedTuple):
    """Levels of a line's legs in dBFS, a full-scale sine being 0: none as long as the card gives nothing.

    ``quiet_s`` counts from the last voice, or from the first frame; the time without a card counts.
    """

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

    def read(self, now_s: float) -> list[Reading]:
        """Read every line in order."""
        levels, tops = self._levels()
        away_s, present = max(0.0, now_s - self._last_s), bool(self._shown)
        return [
            Reading(levels[at : at + legs], tops[at : at + legs], vox.voice and present, vox.quiet_s + away_s)
            for at, legs, vox in zip(self._firsts, self._legs, self._vox, strict=True)
        ]

    def _levels(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Give level and peak of each leg: 0 of a full-scale sine, both."""
        if not self._shown:
            return (), ()
        _, energies, peaks = zip(*self._shown, strict=True)
        full = self._shown_frames * FULL_SCALE**2 / 2
        return (
            tuple([_told_dbfs(sum(of_leg) / full) for of_leg in zip(*energies, strict=True)]),
            tuple([_told_dbfs((max(of_leg) / FULL_SCALE) ** 2) for of_leg in zip(*peaks, strict=True)]),
        )

    def _show(self, portion: Portion) -> None:
        """Keep the last second, and not much more."""
        if not portion.frames:
            return
        self._shown.append((portion.frames, portion.energies, portion.peaks))
        self._shown_frames += portion.frames
        while self._shown_frames - self._shown[0][0] >= self._rate_hz:
            self._shown_frames -= self._shown.popleft()[0]


def _told_dbfs(power: float) -> float:
    """Give a power, that of a full-scale sine being 1, to a tenth; in plain numbers, for they are few."""
    return math.floor(100 * math.log10(power) + 0.5) / 10 if power > _LEAST else _SILENCE_DBFS
