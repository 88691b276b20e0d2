"""Levels, silence and activity of one leg, in blocks of 20 ms.

0 dBFS is the level of a sine that just reaches full scale (AES17), so a sine of peak amplitude a has 20·log10(a).
"""

from __future__ import annotations

import dataclasses
from typing import final

import numpy as np
import numpy.typing as npt

from appliance.audio.measure.samples import Samples, to_float

BLOCK_S = 0.02
FLOOR_DBFS = -120.0


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, in seconds from the first frame."""

    from_s: float
    until_s: float

    @property
    def length_s(self) -> float:
        """How long it is."""
        return self.until_s - self.from_s


def level_dbfs(samples: Samples) -> float:
    """Level of the whole stretch; -120 for digital silence and for nothing at all."""
    wide = to_float(samples)
    if not wide.size:
        return FLOOR_DBFS
    return float(_dbfs(np.array([np.mean(wide**2)]))[0])


def levels_dbfs(samples: Samples, rate_hz: int, block_s: float = BLOCK_S) -> npt.NDArray[np.float64]:
    """Level of each whole block, shape ``(blocks,)``; a rest shorter than a block is left out."""
    wide = to_float(samples)
    block = max(1, round(block_s * rate_hz))
    whole = wide[: wide.size // block * block].reshape(-1, block)
    return _dbfs(np.mean(whole**2, axis=1))


def silences(samples: Samples, rate_hz: int, *, below_dbfs: float = -50.0, at_least_s: float = 0.1) -> list[Span]:
    """Stretches whose blocks are all below the level, shortest ones left out."""
    quiet = levels_dbfs(samples, rate_hz) < below_dbfs
    return [span for span in _runs(quiet) if span.length_s >= at_least_s - 1e-9]


def activity(samples: Samples, rate_hz: int, *, above_dbfs: float = -45.0) -> float:
    """Share of the blocks that are louder than the level, 0 to 1."""
    loud = levels_dbfs(samples, rate_hz) > above_dbfs
    return float(np.mean(loud)) if loud.size else 0.0


def _dbfs(power: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    floor = 10 ** (FLOOR_DBFS / 10) / 2
    return np.asarray(10 * np.log10(2 * np.maximum(power, floor)), dtype=np.float64)


def _runs(flags: npt.NDArray[np.bool_]) -> list[Span]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [Span(float(a) * BLOCK_S, float(b) * BLOCK_S) for a, b in zip(edges[::2], edges[1::2], strict=True)]
