"""Frames of a card's legs on their way to the lines, with what is measured of all of them at once."""

from __future__ import annotations

import dataclasses
import math
from typing import Self, final

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]
Samples = npt.NDArray[np.float32]

FULL_SCALE = 32768


@final
@dataclasses.dataclass(slots=True)  # not frozen: one is made for each line and block
class Portion:
    """Legs in rows: ``pcm`` is what is stored, ``samples`` the same numbers as floats, shape (legs, frames).

    ``peaks`` are how far from 0 each leg goes.
    """

    pcm: Pcm
    samples: Samples
    frames: int
    peaks: list[int]
    _energies: list[float] | None = None

    @classmethod
    def of(cls, pcm: Pcm, samples: Samples | None = None) -> Self:
        """Measure rows; ``samples`` are the same as floats, where somebody has them."""
        if samples is None:
            samples = pcm.astype(np.float32)
        legs, frames = pcm.shape
        if not frames:
            return cls(pcm, samples, 0, [0] * legs)
        lows, highs = np.minimum.reduce(pcm, axis=1).tolist(), np.maximum.reduce(pcm, axis=1).tolist()
        return cls(pcm, samples, frames, [max(-low, high) for low, high in zip(lows, highs, strict=True)])

    @property
    def energies(self) -> list[float]:
        """Sums of the squares of each leg. Whoever knows them of windows that it measured sets them."""
        if self._energies is None:
            self._energies = np.einsum("lf,lf->l", self.samples, self.samples).tolist()
        return self._energies

    @energies.setter
    def energies(self, energies: list[float]) -> None:
        self._energies = energies

    def legs(self, first: int, until: int) -> Portion:
        """Give some of the legs."""
        rows = slice(first, until)
        return Portion(self.pcm[rows], self.samples[rows], self.frames, self.peaks[rows], self.energies[rows])

    def cut(self, first: int, until: int) -> Portion:
        """Give some of the frames."""
        return Portion.of(self.pcm[:, first:until], self.samples[:, first:until])


@final
class Level:
    """Level of one leg over a session. 0 dBFS is a full-scale sine, as AES17 has it: 3 dB more than its RMS."""

    def __init__(self) -> None:
        self._frames = 0
        self._energy = 0.0
        self._peak = 0
        self._clipped_frames = 0

    def take(self, portion: Portion, leg: int) -> None:
        """Take what was measured of a leg."""
        peak = portion.peaks[leg]
        self._frames += portion.frames
        self._energy += portion.energies[leg]
        if peak > self._peak:  # noqa: PLR1730 - max() is a call
            self._peak = peak
        if peak >= FULL_SCALE - 1:
            pcm = portion.pcm[leg]
            self._clipped_frames += int(np.count_nonzero((pcm == -FULL_SCALE) | (pcm == FULL_SCALE - 1)))

    def facts(self, full_scale_dbm0: float | None) -> dict[str, float | int]:
        """Give what was measured; levels of digital silence are left out."""
        facts: dict[str, float | int] = {"clipped_frames": self._clipped_frames}
        if self._energy:
            level_dbfs = dbfs(self._energy / self._frames)
            facts["level_dbfs"] = round(level_dbfs, 2)
            facts["peak_dbfs"] = round(20 * math.log10(self._peak / FULL_SCALE), 2)
            if full_scale_dbm0 is not None:
                facts["level_dbm0"] = round(level_dbfs + full_scale_dbm0, 2)
        return facts


def dbfs(mean_square: float) -> float:
    """Level of samples with this mean square, full scale being 32768; -inf for none."""
    return 10 * math.log10(mean_square * 2 / FULL_SCALE**2) if mean_square > 0 else -math.inf
