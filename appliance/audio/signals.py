"""Test signals without an end, block by block: a technician's tones.

Each is a generator of float64 blocks of ``frames`` frames, full scale at 1. ``level_dbfs`` is AES17's: a sine that
just reaches full scale has 0, and noise of the same level has the same power.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Wave = npt.NDArray[np.float64]


def sine(frequency_hz: float, rate_hz: int, frames: int, level_dbfs: float) -> Iterator[Wave]:
    """Give a sine from phase 0 on. The phase is counted anew in each block, so that it keeps its exactness for days."""
    turn = 0.0
    while True:
        yield 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * (turn + frequency_hz / rate_hz * np.arange(frames)))
        turn = (turn + frequency_hz / rate_hz * frames) % 1


def silence(frames: int) -> Iterator[Wave]:
    """Give nothing, in its time."""
    while True:
        yield np.zeros(frames)


def sweep(
    low_hz: float, high_hz: float, sweep_s: float, rate_hz: int, frames: int, level_dbfs: float
) -> Iterator[Wave]:
    """Give a sine that goes from ``low_hz`` to ``high_hz``, each octave in the same time, and then again."""
    whole = max(1, round(sweep_s * rate_hz))
    steps = low_hz / rate_hz * (high_hz / low_hz) ** (np.arange(whole) / whole)
    at, turn = 0, 0.0
    while True:
        turns = turn + np.cumsum(steps[(at + np.arange(frames)) % whole])
        yield 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * turns)
        at, turn = (at + frames) % whole, float(turns[-1] % 1)


def noise(frames: int, level_dbfs: float, seed: int = 0) -> Iterator[Wave]:
    """Give white noise, clipped where it is beyond full scale."""
    draw = np.random.default_rng(seed)
    while True:
        yield np.clip(draw.normal(0, 10 ** (level_dbfs / 20) / math.sqrt(2), frames), -1, 1)


def to_pcm(wave: Wave) -> npt.NDArray[np.int16]:
    """Give 16-bit samples, rounded."""
    return np.asarray(np.round(32767 * np.clip(wave, -1, 1)), dtype=np.int16)
