"""Fewer frames a second by two filters of linear phase, for the ratios that sound cards have: 2, 4 and 6.

The frames are taken apart into as many phases as the ratio says, each with all channels of the card side by side; then
each tap is one multiplication of whole blocks. The first filter makes twice the rate that is stored, and need only hold
off what the second would fold into speech; the second is a half-band filter, of which every other tap is nothing. For
48 kHz to 8 kHz that is fewer instructions than libsoxr's HQ takes for it, and 5 ms held back at most instead of 158: a
session ends at once.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from drivers.taps.soundcard._portion import Pcm, Samples

PASS: Final = 0.425  # of the stored rate: 3.4 kHz at 8 kHz, and what lies above 4.6 kHz is held off
_PAIRS: Final = 14  # taps on either side of the half-band filter's middle that are not 0
_WIDE_HALF: Final = {1: 0, 2: 7, 3: 8}  # taps on either side of the first filter's middle, by its factor
_ROUNDS: Final = 40


def first_factor(card_rate_hz: int, rate_hz: int) -> int | None:
    """Give the factor of the first filter, None where these filters cannot make the one rate of the other."""
    factor = card_rate_hz // (2 * rate_hz)
    return factor if card_rate_hz == 2 * rate_hz * factor and factor in _WIDE_HALF else None


@final
class Fir:
    """See :class:`drivers.taps.soundcard._rate.Rate`. Frame n stands for the moment of the card's frame n * ratio."""

    most_held_s: ClassVar[float] = 0.005

    def __init__(self, first_factor: int, channels: int) -> None:
        self._factor = first_factor
        self._ratio = 2 * first_factor
        self._channels = channels
        self._wide, self._half_band = wide_taps(first_factor), half_band_taps()
        reach = -(-(len(self._wide) - 1) // self._ratio)  # of the first filter, in groups of ``ratio`` frames
        self._first = reach  # of the groups for which the first filter has all that it needs
        self._behind = (first_factor + len(self._wide) - 1) // self._ratio
        self._before_groups = self._first + _PAIRS
        self._behind_groups = self._behind + _PAIRS - 1
        self._held = self._silence(self._before_groups * self._ratio)

    def take(self, pcm: Pcm) -> Samples:
        """See :class:`drivers.taps.soundcard._rate.Rate`."""
        frames = np.concatenate([self._held, pcm.ravel()])  # flat: a copy of rows is one of each
        groups = len(frames) // (self._ratio * self._channels)
        ready = groups - self._before_groups - self._behind_groups
        if ready <= 0:
            self._held = frames
            return np.zeros((0, self._channels), np.float32)
        self._held = frames[ready * self._ratio * self._channels :].copy()
        phases = self._phases(frames[: groups * self._ratio * self._channels])
        even, odd = (self._first_filter(phases, n, groups) for n in (0, 1))
        return self._second_filter(even, odd, ready).reshape(ready, self._channels)

    def flush(self) -> Samples:
        """See :class:`drivers.taps.soundcard._rate.Rate`."""
        rest = len(self._held) // self._channels - self._before_groups * self._ratio
        missing = -rest % self._ratio
        last = self.take(self._silence(missing + self._behind_groups * self._ratio)) if rest > 0 else None
        self._held = self._silence(self._before_groups * self._ratio)
        return last if last is not None else np.zeros((0, self._channels), np.float32)

    def _silence(self, frames: int) -> Pcm:
        return np.zeros(frames * self._channels, np.int16)

    def _phases(self, frames: Pcm) -> Samples:
        """Give every ``ratio``-th frame from each of the first ``ratio`` on, shape (ratio, groups * channels)."""
        whole = frames.view(f"V{2 * self._channels}").reshape(-1, self._ratio)  # a frame is copied as one
        apart = np.ascontiguousarray(whole.T).view(np.int16)
        return apart.astype(np.float32)

    def _first_filter(self, phases: Samples, number: int, groups: int) -> Samples:
        """Give every second frame of twice the stored rate, from frame ``number`` on."""
        count = groups - self._first - self._behind

        def shifted(by: int) -> Samples:
            group, phase = divmod(self._factor * number + by, self._ratio)
            begin = (self._first + group) * self._channels
            return phases[phase, begin : begin + count * self._channels]

        pairs = [(shifted(by), shifted(-by)) for by in range(1, len(self._wide))]
        return _add_pairs(shifted(0) * self._wide[0], pairs, self._wide[1:])

    def _second_filter(self, even: Samples, odd: Samples, ready: int) -> Samples:
        def shifted(rows: Samples, by: int) -> Samples:
            begin = (_PAIRS + by) * self._channels
            return rows[begin : begin + ready * self._channels]

        pairs = [(shifted(odd, by), shifted(odd, -by - 1)) for by in range(_PAIRS)]
        return _add_pairs(shifted(even, 0) * np.float32(0.5), pairs, self._half_band)


def _add_pairs(made: Samples, pairs: Sequence[tuple[Samples, Samples]], taps: Samples) -> Samples:
    """Add each pair, times its tap, to ``made``."""
    part = np.empty_like(made)
    for (one, other), tap in zip(pairs, taps, strict=True):
        np.add(one, other, part)
        np.multiply(part, tap, part)
        np.add(made, part, made)
    return made


@functools.cache
def wide_taps(factor: int) -> Samples:
    """Design the first filter: its middle tap and those on one side.

    It passes what is to be stored, and stops what would fold onto that at twice the stored rate. What lies between may
    be as it likes: the second filter stops it.
    """
    if factor == 1:
        return np.ones(1, np.float32)
    stored = 1 / (2 * factor)  # rates in parts of the card's
    passed = np.linspace(0, PASS * stored, 200)
    folded = np.linspace(2 * stored - PASS * stored, min(0.5, 2 * stored + PASS * stored), 300)
    at, wanted = np.concatenate([passed, folded]), np.repeat([1.0, 0.0], [len(passed), len(folded)])
    half = np.arange(1, _WIDE_HALF[factor] + 1)
    waves = np.concatenate([np.ones((len(at), 1)), 2 * np.cos(2 * np.pi * np.outer(at, half))], axis=1)
    return _least_error(waves, wanted, np.where(wanted == 1, 1.0, 4.0))


@functools.cache
def half_band_taps() -> Samples:
    """Design the second filter: the taps at 1, 3, 5 … from the middle, which is a half."""
    passed = np.linspace(0, PASS / 2, 800)  # rates in parts of twice the stored one
    waves = 2 * np.cos(2 * np.pi * np.outer(passed, 2 * np.arange(_PAIRS) + 1))
    return _least_error(waves, np.full(len(passed), 0.5), np.ones(len(passed)))


def _least_error(
    waves: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64], importance: npt.NDArray[np.float64]
) -> Samples:
    """Find taps whose greatest error is small: least squares, with more weight where the error is great (Lawson)."""
    weights = importance.copy()
    taps: npt.NDArray[np.floating] = np.zeros(waves.shape[1])
    for _ in range(_ROUNDS):
        taps = np.linalg.lstsq(waves * weights[:, None], wanted * weights, rcond=None)[0]
        errors = np.abs(waves @ taps - wanted) * importance
        weights *= np.sqrt(errors / errors.max() + 0.02)
        weights /= weights.max()
    return taps.astype(np.float32)
