"""Noise of an idle line, plain and as an ear at a telephone hears it."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.audio.measure import Samples, level_dbfs
from appliance.audio.measure.samples import to_float
from hil.measure.sine import FLOOR_DB

# ITU-T O.41, table 1: frequency in Hz, weight in dB.
_WEIGHTS: Final = (
    *((16.66, -85.0), (50, -63.0), (100, -41.0), (200, -21.0), (300, -10.6), (400, -6.3), (500, -3.6), (600, -2.0)),
    *((700, -0.9), (800, 0.0), (900, 0.6), (1000, 1.0), (1200, 0.0), (1400, -0.9), (1600, -1.7), (1800, -2.4)),
    *((2000, -3.0), (2500, -4.2), (3000, -5.6), (3500, -8.5), (4000, -15.0), (4500, -25.0), (5000, -36.0)),
    (6000, -43.0),
)


def noise_dbfs(samples: Samples) -> float:
    """Level of all that is there but its constant part; -120 at the least."""
    wide = to_float(samples)
    return level_dbfs(wide - wide.mean()) if wide.size else FLOOR_DB


def weighted_noise_dbfs(samples: Samples, rate_hz: int) -> float:
    """Level as weighted by O.41 (psophometric); -120 at the least. A tone of 800 Hz weighs what it is."""
    wide = to_float(samples)
    if not wide.size:
        return FLOOR_DB
    window = np.hanning(wide.size + 1)[:-1]
    power = np.abs(np.fft.rfft((wide - wide.mean()) * window)) ** 2
    frequencies_hz = np.asarray(np.fft.rfftfreq(wide.size, 1 / rate_hz), dtype=np.float64)
    mean_square = float(2 * (power @ weights(frequencies_hz)) / (wide.size * np.sum(window**2)))
    return max(FLOOR_DB, float(10 * np.log10(2 * mean_square))) if mean_square > 0 else FLOOR_DB


def weights(frequencies_hz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Factors of power; between the points of the table by dB over the logarithm, beyond them that of the end."""
    points_hz, points_db = np.array(_WEIGHTS).T
    found_db = np.interp(np.log(np.maximum(frequencies_hz, 1e-3)), np.log(points_hz), points_db)
    return np.asarray(10 ** (found_db / 10), dtype=np.float64)
