"""What is measured: one leg's samples."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Samples: TypeAlias = npt.NDArray[np.int16] | npt.NDArray[np.floating[Any]]
"""One leg, shape ``(frames,)``: int16, or float with full scale at 1."""


def to_float(samples: Samples) -> npt.NDArray[np.float64]:
    """Give the samples as float64 with full scale at 1. Raises ValueError unless there is one leg."""
    if samples.ndim != 1:
        raise ValueError(f"one leg has one dimension, not {samples.ndim}")
    wide = samples.astype(np.float64)
    return wide / 32768.0 if samples.dtype == np.int16 else wide
