"""Numbered frames: packets of 20 ms that carry their number as level steps, so that a recording tells which came.

A coded frame is 160 G.711 µ-law octets at 8 kHz: 32 octets of a negative marker level, which differs by leg, then
four times 32 octets of one of 16 positive levels: the number, four bits each, highest first. Every level survives
µ-law exactly and A-law well within its distance to the next one; through G.722, or brought to 16 kHz, it is there again
in the middle of its step.
"""

from __future__ import annotations

import dataclasses
from typing import final

import numpy as np
import numpy.typing as npt

from appliance.audio.measure.samples import Samples, to_float

FRAME = 160
WIDE_HZ = 16000
NUMBERS = 1 << 16
_STEP = 32
_DIGITS = 4
_DIGIT_CODES = np.array([0xFF - (28 + 6 * digit) for digit in range(16)], dtype=np.uint8)
_MARKER_CODES = np.array([0x7F - 100, 0x7F - 119], dtype=np.uint8)
_TOLERANCE = 0.06  # relative distance from a level; neighbours are 22 % and more apart
_WIDE_FRAME = 2 * FRAME
_WIDE_SETTLED = slice(24, 58)  # of the 64 frames of a step: filter and codec have taken it, and not the next one yet
_WIDE_LAST_SETTLED = slice(20, 42)  # of the last step: the codec keeps back the 22 last frames of a call
_WIDE_TOLERANCE = 0.5  # distance of their mean from a level, as a share of that to the next level; found: 0.42
_WIDE_MARKER_TOLERANCE = 0.02  # relative; found: 0.004
_WIDE_EDGE = 8  # frames within which one level follows the other
_WIDE_SLIP = 4  # frames by which a begin is off for the level before it


@final
@dataclasses.dataclass(frozen=True, slots=True)
class CodedFrames:
    """Which frames stand in a recording, and where.

    ``numbers`` and ``positions`` (first frame of each) are in the order of the file, shape ``(found,)``. A frame
    that is cut or spoilt is not among them. ``frame`` is the length of one in the recording.
    """

    numbers: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]
    frame: int = FRAME

    def lost(self, sent: int, first: int = 0) -> list[int]:
        """Numbers of ``first`` to ``first + sent`` (exclusive) that are nowhere in the recording."""
        present = np.zeros(sent, dtype=bool)
        inside = self.numbers[(self.numbers >= first) & (self.numbers < first + sent)]
        present[inside - first] = True
        return [int(number) + first for number in np.flatnonzero(~present)]

    @property
    def doubled(self) -> int:
        """How many frames stand there more than once."""
        return int(self.numbers.size - np.unique(self.numbers).size)

    @property
    def slips(self) -> list[int]:
        """Positions at which the recording's time moves against the frames' own: something was put in or left out."""
        moved = np.abs(np.diff(self.positions - self.frame * self.numbers))
        return [int(at) for at in self.positions[1:][moved > (0 if self.frame == FRAME else _WIDE_SLIP)]]


def coded_payload(leg: int, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """G.711 µ-law octets of frames, shape ``(len(numbers), 160)``. Numbers are taken modulo 65536."""
    shifts = np.array([12, 8, 4, 0])
    digits = (np.asarray(numbers)[:, None] % NUMBERS >> shifts) & 15
    steps = np.concatenate((np.full((len(numbers), 1), _MARKER_CODES[leg]), _DIGIT_CODES[digits]), axis=1)
    return np.repeat(steps.astype(np.uint8), _STEP, axis=1)


def coded_pcm(leg: int, count: int, first: int = 0) -> npt.NDArray[np.int16]:
    """The same as linear samples, shape ``(160 · count,)``."""
    return _to_linear(coded_payload(leg, np.arange(first, first + count))).reshape(-1).astype(np.int16)


def read_coded(samples: Samples, leg: int, rate_hz: int = 8000) -> CodedFrames:
    """Find every whole frame of the leg in a recording of 8 kHz, wherever it begins; or in one of 16 kHz.

    At 16 kHz begins are right to 2 frames, and of each step the middle alone is looked at.
    """
    wide = to_float(samples) * 32768.0
    marker = float(_to_linear(_MARKER_CODES)[leg])
    if rate_hz == WIDE_HZ:
        return _read_wide(wide, marker)
    is_marker = np.abs(wide - marker) <= abs(marker) * _TOLERANCE
    begins = np.flatnonzero(is_marker & ~np.concatenate(([False], is_marker[:-1])))
    begins = begins[begins + FRAME <= wide.size]
    if not begins.size:
        return CodedFrames(np.zeros(0, np.int64), np.zeros(0, np.int64))
    frames = wide[begins[:, None] + np.arange(FRAME)].reshape(-1, _DIGITS + 1, _STEP)
    markers_whole = np.all(np.abs(frames[:, 0] - marker) <= abs(marker) * _TOLERANCE, axis=1)
    digits, digits_whole = _read_digits(frames[:, 1:])
    whole = markers_whole & digits_whole
    numbers = digits @ np.array([4096, 256, 16, 1])
    return CodedFrames(numbers[whole].astype(np.int64), begins[whole].astype(np.int64))


def _read_wide(wide: npt.NDArray[np.float64], marker: float) -> CodedFrames:
    is_low = wide < marker / 2
    begins = np.flatnonzero(is_low & ~np.concatenate(([False], is_low[:-1])))
    begins = begins[begins + _WIDE_FRAME <= wide.size + 2 * _STEP - _WIDE_LAST_SETTLED.stop]
    steps = np.pad(wide, (0, 2 * _STEP))[begins[:, None] + np.arange(_WIDE_FRAME)].reshape(-1, _DIGITS + 1, 2 * _STEP)
    means = steps[:, :, _WIDE_SETTLED].mean(axis=2)
    means[:, -1] = steps[:, -1, _WIDE_LAST_SETTLED].mean(axis=1)
    levels = _to_linear(_DIGIT_CODES)
    apart = np.minimum(np.diff(levels, prepend=0), np.diff(levels, append=np.inf))
    away = np.abs(means[:, 1:, None] - levels) / apart
    whole = np.all(away.min(axis=2) <= _WIDE_TOLERANCE, axis=1)
    whole &= np.abs(means[:, 0] - marker) <= abs(marker) * _WIDE_MARKER_TOLERANCE
    whole &= (steps[:, 0, -_WIDE_EDGE] < marker / 2) & (steps[:, 1, _WIDE_EDGE] >= marker / 2)  # a whole marker
    numbers = np.argmin(away, axis=2) @ np.array([4096, 256, 16, 1])
    return CodedFrames(numbers[whole].astype(np.int64), begins[whole].astype(np.int64), _WIDE_FRAME)


def _read_digits(steps: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    levels = _to_linear(_DIGIT_CODES)
    middle = steps[:, :, _STEP // 2]
    digits = np.argmin(np.abs(middle[:, :, None] - levels), axis=2)
    nearest = levels[digits][:, :, None]
    return digits.astype(np.int64), np.all(np.abs(steps - nearest) <= nearest * _TOLERANCE, axis=(1, 2))


def _to_linear(codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Linear values of µ-law octets, by the recommendation's formula (G.711, table 2a)."""
    bits = ~codes.astype(np.int64) & 0xFF
    size = (((bits & 0x0F) << 3) + 0x84 << ((bits & 0x70) >> 4)) - 0x84
    return np.where(bits & 0x80, -size, size).astype(np.float64)
