"""Fit a sine to samples: frequency, amplitude, phase, and what is left (IEEE 1057, four parameters)."""

from __future__ import annotations

import dataclasses
import math
from typing import Final, final

import numpy as np
import numpy.typing as npt

from appliance.audio.measure import Samples
from appliance.audio.measure.samples import to_float

FLOOR_DB: Final = -120.0
_ROUNDS: Final = 8


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Sine:
    """``amplitude`` with full scale at 1; ``phase_rad`` of a sine, at the first frame; ``rest`` has no sine, no DC."""

    frequency_hz: float
    amplitude: float
    phase_rad: float
    rest: npt.NDArray[np.float64]

    @property
    def level_dbfs(self) -> float:
        """Level; -120 at the least."""
        return to_db(self.amplitude)

    @property
    def rest_rms(self) -> float:
        """Root mean square of what is left."""
        return float(np.sqrt(np.mean(self.rest**2))) if self.rest.size else 0.0


def to_db(ratio: float) -> float:
    """Give a ratio of amplitudes in dB; -120 at the least."""
    return max(FLOOR_DB, 20 * math.log10(ratio)) if ratio > 0 else FLOOR_DB


def fit_sine(samples: Samples, rate_hz: int, frequency_hz: float, *, free: bool = True) -> Sine:
    """Fit by least squares. ``free``: the frequency may move from what is given, within a tenth of a turn or so.

    Raises ValueError for less than two turns.
    """
    wide = to_float(samples)
    if wide.size * frequency_hz < 2 * rate_hz:
        raise ValueError(f"{wide.size} frames at {rate_hz} Hz are too few for {frequency_hz:g} Hz")
    turns = 2 * np.pi * np.arange(wide.size) / rate_hz
    middle = turns[wide.size // 2]
    hz = frequency_hz
    sine, cosine = np.sin(turns * hz), np.cos(turns * hz)
    basis = np.stack((sine, cosine, np.ones_like(sine)), axis=1)
    found = _solve(basis, wide)
    for _ in range(_ROUNDS if free else 0):
        a, b = found[0], found[1]
        slope = (turns - middle) * (a * cosine - b * sine)
        with_slope = np.column_stack((basis, slope))
        step = float(_solve(with_slope, wide)[3])
        if not math.isfinite(step) or abs(hz + step - frequency_hz) > 0.2 * frequency_hz:
            break
        hz += step
        sine, cosine = np.sin(turns * hz), np.cos(turns * hz)
        basis = np.stack((sine, cosine, np.ones_like(sine)), axis=1)
        found = _solve(basis, wide)
        if abs(step) < 1e-9 * frequency_hz:
            break
    return Sine(hz, float(math.hypot(found[0], found[1])), float(math.atan2(found[1], found[0])), wide - basis @ found)


def _solve(basis: npt.NDArray[np.float64], wide: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Least squares by the normal equations: the columns are far from alike, and it is many times faster."""
    return np.asarray(np.linalg.lstsq(basis.T @ basis, basis.T @ wide, rcond=None)[0], dtype=np.float64)
