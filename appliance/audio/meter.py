"""Levels of a card's channels as they pass: for a display, so with memory of the last moments alone."""

from __future__ import annotations

import collections
import dataclasses
from typing import Final, final

import numpy as np
import numpy.typing as npt

FLOOR_DBFS: Final = -120.0
_WINDOW_S: Final = 0.3  # of a VU meter
_HOLD_S: Final = 2.0
_FULL: Final = 32767


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """A channel now. dBFS as AES17 has it; ``clips`` counts frames at full scale since the begin."""

    level_dbfs: float
    peak_dbfs: float
    clips: int


@final
class Meter:
    """Takes blocks of shape (frames, channels). The level is that of the last 0.3 s, a peak is held for 2 s."""

    def __init__(self, channels: int, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._blocks: collections.deque[tuple[int, npt.NDArray[np.float64], npt.NDArray[np.float64]]] = (
            collections.deque()
        )
        self._kept = 0
        self._clips = np.zeros(channels, np.int64)

    def take(self, pcm: npt.NDArray[np.int16]) -> None:
        """Take all frames that came, in order."""
        step = max(1, self._rate_hz // 20)
        for at in range(0, len(pcm), step):
            wide = pcm[at : at + step].astype(np.float64)
            self._blocks.append((len(wide), np.sum(wide**2, axis=0), np.abs(wide).max(axis=0)))
            self._kept += len(wide)
            self._clips += np.count_nonzero(np.abs(wide) >= _FULL, axis=0)
        while self._blocks and self._kept - self._blocks[0][0] >= _HOLD_S * self._rate_hz:
            self._kept -= self._blocks.popleft()[0]

    def read(self) -> list[Reading]:
        """Give each channel's reading."""
        frames, energy, peak = 0, np.zeros(self._clips.size), np.zeros(self._clips.size)
        for count, squares, loudest in reversed(self._blocks):
            peak = np.maximum(peak, loudest)
            if frames < _WINDOW_S * self._rate_hz:
                frames, energy = frames + count, energy + squares
        mean = energy / max(1, frames)
        return [
            Reading(_dbfs(float(np.sqrt(2 * square))), _dbfs(float(top)), int(clips))
            for square, top, clips in zip(mean, peak, self._clips, strict=True)
        ]


def _dbfs(size: float) -> float:
    return max(FLOOR_DBFS, float(20 * np.log10(size / 32768))) if size else FLOOR_DBFS
