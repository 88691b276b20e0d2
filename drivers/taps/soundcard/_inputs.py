"""A card's channels made the legs of its lines: rate, map, DC removal, gain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt

from drivers.taps.soundcard._options import LineOptions
from drivers.taps.soundcard._portion import FULL_SCALE, Pcm, Portion, Samples
from drivers.taps.soundcard._rate import Rate, Same

_DC_MEMORY_S: Final = 2.0


@final
class Inputs:
    """Makes rows, one for each leg of each line in order, of interleaved frames.

    The constant part of a row is its mean over the last :data:`_DC_MEMORY_S`. What is taken away is a whole number, and
    changes by one a block at most once that time is over: the last bit. At the card's own rate a row that has none, and
    no gain, stays as it is.

    ``rate_hz`` is that of the rows, which ``rate`` makes; without one they are at the card's.
    """

    def __init__(self, lines: Sequence[LineOptions], rate_hz: int, rate: Rate | None = None) -> None:
        legs = [(line, number) for line in lines for number in line.inputs]
        channels = np.array([number - 1 for _, number in legs])
        in_order = channels[0] + np.arange(len(legs))
        self._channels = slice(in_order[0], in_order[-1] + 1) if (channels == in_order).all() else channels
        self._rate = rate or Same(int(channels.max()) + 1)
        self._gains = np.array([[10 ** (line.gain_db / 20)] for line, _ in legs], np.float32)
        self._has_gain = bool((self._gains != 1).any())
        self._removes_dc = [line.dc_removal for line, _ in legs]
        self._memory_frames = int(_DC_MEMORY_S * rate_hz)
        self._seen_frames = 0
        self._dc = [0.0] * len(legs)
        self._taken = [0] * len(legs)

    def take(self, *parts: Pcm) -> Portion:
        """Give the rows of a block, in parts of shape (frames, channels), or those that are ready."""
        return self._rows([self._rate.take(part) for part in parts])

    def flush(self) -> Portion:
        """Give the rows that are still to come; the next block does not follow this one."""
        return self._rows([self._rate.flush()])

    def _rows(self, parts: Sequence[Samples | Pcm]) -> Portion:
        rows = self._apart(parts)
        samples: Samples = rows.astype(np.float32, copy=False)
        if not samples.size:
            return Portion.of(rows.astype(np.int16))
        if any(self._removes_dc):
            self._follow_dc(samples)
        taken = np.array(self._taken, np.int32)
        if any(self._taken):
            samples -= taken.astype(np.float32)[:, None]
        if rows.dtype == np.int16 and not self._has_gain:
            lows, highs = np.minimum.reduce(rows, axis=1) - taken, np.maximum.reduce(rows, axis=1) - taken
            if np.minimum.reduce(lows) >= -FULL_SCALE and np.maximum.reduce(highs) < FULL_SCALE:  # nothing clips
                if any(self._taken):
                    rows -= taken.astype(np.int16)[:, None]
                return Portion(rows, samples, rows.shape[1], np.maximum(-lows, highs).tolist())
        if self._has_gain:
            samples *= self._gains
        np.rint(samples, out=samples)
        np.clip(samples, -FULL_SCALE, FULL_SCALE - 1, out=samples)
        return Portion.of(samples.astype(np.int16), samples)

    def _apart(self, parts: Sequence[Samples | Pcm]) -> npt.NDArray[Any]:
        """Copy the parts, one behind the other, so that each leg is a row."""
        rows = np.empty((len(self._taken), sum(map(len, parts))), parts[0].dtype)
        return np.concatenate([part.T[self._channels] for part in parts], axis=1, out=rows)

    def _follow_dc(self, rows: Samples) -> None:
        """Follow the mean of each row, and with it what is taken away."""
        frames = rows.shape[1]
        learns = self._seen_frames < self._memory_frames
        self._seen_frames = min(self._seen_frames + frames, self._memory_frames)
        part = min(1.0, frames / self._seen_frames)
        for leg, (total, mean) in enumerate(zip(np.einsum("lf->l", rows).tolist(), self._dc, strict=True)):
            self._dc[leg] = dc = mean + part * (total / frames - mean)
            step = int(dc - self._taken[leg])
            if step and self._removes_dc[leg]:
                self._taken[leg] += step if learns else max(-1, min(1, step))
