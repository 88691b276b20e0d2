"""What a line adds to a tone: distortion and noise, and the spectrum that shows which."""

from __future__ import annotations

import dataclasses
import math
from typing import final

import numpy as np
import numpy.typing as npt

from appliance.audio.measure import Samples
from appliance.audio.measure.samples import to_float
from hil.measure.sine import fit_sine


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Spectrum:
    """Levels, shape ``(bins,)`` each: a tone has its level at its peak."""

    frequencies_hz: npt.NDArray[np.float64]
    levels_dbfs: npt.NDArray[np.float64]


def thd_n_percent(samples: Samples, rate_hz: int, frequency_hz: float) -> float:
    """All but the tone and the constant part, against all but the constant part: 0 to 100 (AES17, without a filter)."""
    tone = fit_sine(samples, rate_hz, frequency_hz)
    whole = math.hypot(tone.amplitude / math.sqrt(2), tone.rest_rms)
    return 100 * tone.rest_rms / whole if whole else 100.0


def spectrum(samples: Samples, rate_hz: int) -> Spectrum:
    """Give the spectrum of the whole stretch, through a Blackman-Harris window: 92 dB down beside a tone."""
    wide = to_float(samples)
    turns = 2 * np.pi * np.arange(wide.size) / wide.size
    window = 0.35875 - 0.48829 * np.cos(turns) + 0.14128 * np.cos(2 * turns) - 0.01168 * np.cos(3 * turns)
    sizes = 2 * np.abs(np.fft.rfft(wide * window)) / window.sum()
    frequencies_hz = np.asarray(np.fft.rfftfreq(wide.size, 1 / rate_hz), dtype=np.float64)
    return Spectrum(frequencies_hz, 20 * np.log10(np.maximum(sizes, 1e-6)))
