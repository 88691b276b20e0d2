"""Find one signal in another: how late it is, and how alike they are."""

from __future__ import annotations

import dataclasses
from typing import final

import numpy as np

from appliance.audio.measure.samples import Samples, to_float


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Offset:
    """``frames``: how much later the signal is than its reference. ``likeness``: correlation there, -1 to 1."""

    frames: int
    likeness: float


def find_offset(reference: Samples, samples: Samples, max_frames: int | None = None) -> Offset:
    """Find the shift at which ``samples`` resembles ``reference`` most, within ±``max_frames``.

    Both have the same rate. The likeness is normalised over the stretch in which both overlap at that shift.
    """
    first, second = to_float(reference), to_float(samples)
    if not first.size or not second.size:
        return Offset(0, 0.0)
    size = 1 << (first.size + second.size - 1).bit_length()
    products = np.fft.irfft(np.fft.rfft(second, size) * np.conj(np.fft.rfft(first, size)), size)
    shifts = np.arange(-(first.size - 1), second.size)
    if max_frames is not None:
        shifts = shifts[np.abs(shifts) <= max_frames]
    best = int(shifts[int(np.argmax(products[shifts]))])
    left = first[max(0, -best) : second.size - best]
    right = second[max(0, best) : best + first.size]
    scale = float(np.sqrt(np.sum(left**2) * np.sum(right**2)))
    return Offset(best, float(np.sum(left * right)) / scale if scale else 0.0)
