"""What can be seen of a card's lines at any moment: levels of the last second, and how long nobody has spoken.

All lines of the card are measured at once. Whoever speaks is found as on a line that voice starts
(:mod:`drivers.taps.soundcard._vox`), by longer windows: it decides when a silence began, not where a word does.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Final, final

import numpy as np
import numpy.typing as npt

from drivers.taps.soundcard._inputs import Pcm
from drivers.taps.soundcard._vox import Vox, VoxRules

WINDOW_S: Final = 0.05
_SHOWN_S: Final = 1.0
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
        self._firsts = np.concatenate([[0], np.cumsum(legs)[:-1]]).astype(np.intp)
        self._legs = tuple(legs)
        self._window_frames = round(WINDOW_S * rate_hz)
        self._vox = [Vox(rules, WINDOW_S) for _ in legs]
        self._carry: Pcm | None = None
        self._last_s = math.nan
        self._levels: npt.NDArray[np.float64] = np.zeros((sum(legs), 0))  # mean squares, oldest first
        self._peaks = np.zeros(sum(legs))

    def take(self, rows: Pcm, moment_s: float) -> None:
        """Measure a block of shape (legs, frames), captured until ``moment_s``."""
        self._last_s = moment_s
        if self._carry is not None:
            rows = np.concatenate([self._carry, rows], axis=1)
        windows = rows.shape[1] // self._window_frames
        whole = windows * self._window_frames
        self._carry = rows[:, whole:]
        if not windows:
            return
        shape = (len(rows), windows, self._window_frames)
        squares = np.square(rows[:, :whole], dtype=np.float32).reshape(shape)
        means = squares.mean(axis=2)
        self._levels = np.concatenate([self._levels, means], axis=1)[:, -round(_SHOWN_S / WINDOW_S) :]
        self._peaks = squares.max(axis=(1, 2))
        loudest = _dbfs(np.maximum.reduceat(means, self._firsts, axis=0))
        for vox, levels_dbfs in zip(self._vox, loudest.tolist(), strict=True):
            for level_dbfs in levels_dbfs:
                vox.take(level_dbfs)

    def break_off(self) -> None:
        """Show no levels until the card gives frames again; whoever was silent stays so."""
        self._carry = None
        self._levels = self._levels[:, :0]

    def read(self, line: int, now_s: float) -> Reading | None:
        """Read a line by its number; None as long as the card gives nothing."""
        if not self._levels.shape[1]:
            return None
        first = int(self._firsts[line])
        legs = slice(first, first + self._legs[line])
        levels = _dbfs(self._levels[legs].mean(axis=1))
        peaks = _dbfs(self._peaks[legs] / 2)  # of a full-scale sine the peak is 0 too
        return Reading(
            level_dbfs=tuple(np.round(levels, 1).tolist()),
            peak_dbfs=tuple(np.round(peaks, 1).tolist()),
            voice=self._vox[line].voice,
            quiet_s=self.quiet_s(line, now_s),
        )

    def quiet_s(self, line: int, now_s: float) -> float:
        """Seconds since the last voice on the line, or since the first frame; the time without a card counts."""
        return self._vox[line].quiet_s + (max(0.0, now_s - self._last_s) if not math.isnan(self._last_s) else 0.0)


def _dbfs(mean_squares: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    floor = 32768**2 / 2 * 10 ** (_LEAST_DBFS / 10)
    levels: npt.NDArray[np.float64] = 10 * np.log10(np.maximum(mean_squares, floor) * (2 / 32768**2))
    return levels
