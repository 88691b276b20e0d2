"""Find a tone and make one."""

from __future__ import annotations

import dataclasses
from typing import Any, final

import numpy as np
import numpy.typing as npt

from appliance.audio.measure.level import level_dbfs
from appliance.audio.measure.samples import Samples, to_float

WINDOW_S = 0.02
HOP_S = 0.01
AUDIBLE = 0.02  # share of the peak from which on a sample belongs to the tone


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Tone:
    """The strongest tone of a leg. Samples ``begin_frame`` to ``end_frame`` (exclusive) are where it is heard."""

    frequency_hz: float
    level_dbfs: float
    begin_frame: int
    end_frame: int

    @property
    def frames(self) -> int:
        """How long the tone is heard, in frames."""
        return self.end_frame - self.begin_frame


def make_tone(frequency_hz: float, rate_hz: int, frames: int, level_dbfs: float = -16.0) -> npt.NDArray[np.int16]:
    """Make a sine that begins at phase 0. Its peak amplitude is ``level_dbfs``."""
    phase = 2 * np.pi * frequency_hz / rate_hz * np.arange(frames)
    wave = np.round(32767 * 10 ** (level_dbfs / 20) * np.sin(phase))
    return np.asarray(wave, dtype=np.int16)


def find_tone(samples: Samples, rate_hz: int) -> Tone:
    """Find the strongest tone, its frequency to better than 0.1 Hz if it lasts half a second.

    The spectrum gives the frequency to a few tenths; the median step of the phase between blocks of 20 ms refines
    it, so that drop-outs and jumps do not spoil it. Raises ValueError where nothing is heard for 100 ms.
    """
    wide = to_float(samples)
    begin, end = audible_frames(wide)
    body = wide[begin:end]
    if body.size < rate_hz // 10:
        raise ValueError(f"nothing to measure: only {body.size} frames are heard")
    coarse_hz = _peak_hz(body[: 8 * rate_hz], rate_hz)
    steps = phase_steps(block_phasors(body, rate_hz, coarse_hz))
    fine_hz = coarse_hz + float(np.median(steps)) / (2 * np.pi * HOP_S)
    return Tone(fine_hz, level_dbfs(body), begin, end)


def audible_frames(wide: npt.NDArray[np.float64]) -> tuple[int, int]:
    """First and last-but-one frame that is loud beside the loudest; (0, 0) when there is none."""
    peak = float(np.max(np.abs(wide), initial=0.0))
    heard = np.flatnonzero(np.abs(wide) > max(AUDIBLE * peak, 1e-4))
    return (int(heard[0]), int(heard[-1]) + 1) if heard.size else (0, 0)


def block_phasors(body: npt.NDArray[np.float64], rate_hz: int, frequency_hz: float) -> npt.NDArray[np.complex128]:
    """Amplitude and phase of the tone in windows of 20 ms, 10 ms apart, against a steady sine; shape ``(blocks,)``."""
    mixed = body * np.exp(-2j * np.pi * frequency_hz / rate_hz * np.arange(body.size))
    return np.asarray(2 * _weigh_blocks(mixed, rate_hz), dtype=np.complex128)


def block_loudness(body: npt.NDArray[np.float64], rate_hz: int) -> npt.NDArray[np.float64]:
    """Root mean square in the same windows as :func:`block_phasors`, whatever is heard there; shape ``(blocks,)``."""
    return np.asarray(np.sqrt(_weigh_blocks(body**2, rate_hz)), dtype=np.float64)


def phase_steps(phasors: npt.NDArray[np.complex128]) -> npt.NDArray[np.float64]:
    """Phase step from each block to the next, in radians within ±π."""
    return np.asarray(np.angle(phasors[1:] * np.conj(phasors[:-1])), dtype=np.float64)


def _peak_hz(body: npt.NDArray[np.float64], rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(body * np.hanning(body.size)))
    k = min(max(int(spectrum.argmax()), 1), spectrum.size - 2)
    before, at, after = np.log(spectrum[k - 1 : k + 2] + 1e-12)
    curve = before - 2 * at + after
    shift = 0.5 * (before - after) / curve if curve else 0.0
    return float((k + shift) * rate_hz / body.size)


def _weigh_blocks(values: npt.NDArray[Any], rate_hz: int) -> npt.NDArray[Any]:
    window, hop = round(WINDOW_S * rate_hz), round(HOP_S * rate_hz)
    if values.size < window:
        return np.zeros(0, values.dtype)
    shape = np.hanning(window + 1)[:window]
    blocks = np.lib.stride_tricks.sliding_window_view(values, window)[::hop]
    return np.asarray(blocks @ (shape / shape.sum()))
