"""A card's channels made the legs of its lines: map, DC removal, gain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, final

import numpy as np
import numpy.typing as npt

from drivers.taps.soundcard._options import LineOptions

Pcm = npt.NDArray[np.int16]

_DC_MEMORY_S: Final = 2.0


@final
class Inputs:
    """Makes rows, one for each leg of each line in order, of interleaved frames.

    The constant part of a row is its mean over the last :data:`_DC_MEMORY_S`. What is taken away is a whole number, and
    changes by one a block at most once that time is over: the last bit. A row that has none, and no gain, stays as it
    is.
    """

    def __init__(self, lines: Sequence[LineOptions], rate_hz: int) -> None:
        legs = [(line, number) for line in lines for number in line.inputs]
        self._channels = np.array([number - 1 for _, number in legs])
        self._gains = np.array([10 ** (line.gain_db / 20) for line, _ in legs], np.float32)
        self._removes_dc = np.array([line.dc_removal for line, _ in legs])
        self._memory_frames = int(_DC_MEMORY_S * rate_hz)
        self._seen_frames = 0
        self._dc = np.zeros(len(legs))
        self._taken = np.zeros(len(legs))

    def take(self, pcm: Pcm) -> Pcm:
        """Give the rows, shape (legs, frames), of a block of shape (frames, channels)."""
        rows = np.ascontiguousarray(pcm.T[self._channels])
        if not rows.size:
            return rows
        steps = self._steps(rows)
        for number in np.flatnonzero((steps != 0) | (self._gains != 1)):
            wanted = (rows[number].astype(np.float32) - steps[number]) * self._gains[number]
            rows[number] = np.clip(np.rint(wanted), -32768, 32767)
        return rows

    def _steps(self, rows: Pcm) -> npt.NDArray[np.float32]:
        """Follow the mean; gives what to take away."""
        if self._removes_dc.any():
            frames = rows.shape[1]
            learns = self._seen_frames < self._memory_frames
            self._seen_frames = min(self._seen_frames + frames, self._memory_frames)
            self._dc += min(1.0, frames / self._seen_frames) * (rows.mean(axis=1, dtype=np.float32) - self._dc)
            most = np.inf if learns else 1
            self._taken += np.clip(np.trunc(self._dc - self._taken), -most, most)
        return np.where(self._removes_dc, self._taken, 0).astype(np.float32)


@final
class Level:
    """Level of one leg over a session. 0 dBFS is a full-scale sine, as AES17 has it: 3 dB more than its RMS."""

    def __init__(self) -> None:
        self._frames = 0
        self._energy = 0.0
        self._peak = 0
        self._clipped_frames = 0

    def take(self, pcm: Pcm) -> None:
        """Measure a block."""
        if not len(pcm):
            return
        samples = pcm.astype(np.float32)
        self._frames += len(pcm)
        self._energy += float(samples @ samples)
        low, high = int(pcm.min()), int(pcm.max())
        self._peak = max(self._peak, -low, high)
        if low == -32768 or high == 32767:
            self._clipped_frames += int(np.count_nonzero((pcm == -32768) | (pcm == 32767)))

    def facts(self, full_scale_dbm0: float | None) -> dict[str, float | int]:
        """Give what was measured; levels of digital silence are left out."""
        facts: dict[str, float | int] = {"clipped_frames": self._clipped_frames}
        if self._energy:
            level_dbfs = dbfs(self._energy / self._frames)
            facts["level_dbfs"] = round(level_dbfs, 2)
            facts["peak_dbfs"] = round(20 * math.log10(self._peak / 32768), 2)
            if full_scale_dbm0 is not None:
                facts["level_dbm0"] = round(level_dbfs + full_scale_dbm0, 2)
        return facts


def dbfs(mean_square: float) -> float:
    """Level of samples with this mean square, full scale being 32768; -inf for none."""
    return 10 * math.log10(mean_square * 2 / 32768**2) if mean_square > 0 else -math.inf
