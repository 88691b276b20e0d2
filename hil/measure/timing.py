"""Two clocks compared by the phase of a tone."""

from __future__ import annotations

import dataclasses
from typing import final

import numpy as np
import numpy.typing as npt

from appliance.audio.measure import Samples
from appliance.audio.measure.samples import to_float
from appliance.audio.measure.tone import HOP_S, WINDOW_S, block_phasors


@final
@dataclasses.dataclass(frozen=True, slots=True)
class PhaseTrack:
    """How far a recorded tone runs ahead of a steady one, by its phase in windows of 20 ms; shape ``(windows,)``."""

    times_s: npt.NDArray[np.float64]
    ahead_us: npt.NDArray[np.float64]


def phase_track(samples: Samples, rate_hz: int, frequency_hz: float) -> PhaseTrack:
    """Follow the phase of a tone that was played at this frequency; the begin is 0."""
    phases = np.unwrap(np.angle(block_phasors(to_float(samples), rate_hz, frequency_hz)))
    times_s = np.asarray(WINDOW_S / 2 + HOP_S * np.arange(phases.size), dtype=np.float64)
    ahead = (phases - phases[:1]) / (2 * np.pi * frequency_hz)
    return PhaseTrack(times_s, np.asarray(1e6 * ahead, dtype=np.float64))


def clock_difference_ppm(samples: Samples, rate_hz: int, frequency_hz: float) -> float:
    """How much higher than played the tone is recorded: the player's clock against the card's.

    By the slope of the phase, the median over pairs of windows an eighth of the stretch apart, so that some jumps of
    the phase do not make a drift. Raises ValueError for less than a fifth of a second.
    """
    track = phase_track(samples, rate_hz, frequency_hz)
    apart = track.times_s.size // 8
    if not apart or track.times_s.size < 20:
        raise ValueError("too short to compare clocks by")
    slopes = (track.ahead_us[apart:] - track.ahead_us[:-apart]) / (apart * HOP_S)
    return float(np.median(slopes))
