"""From the rate of the card to that which is stored: all channels of the card at once."""

from __future__ import annotations

from typing import ClassVar, Protocol, final

import numpy as np
import soxr

from drivers.taps.soundcard._fir import Fir, first_factor
from drivers.taps.soundcard._portion import Pcm, Samples


class Rate(Protocol):
    """Makes frames of another rate, which stand for the same moments; it holds the newest ones back for a while.

    ``most_held_s`` is how much of the newest it holds back at most.
    """

    most_held_s: ClassVar[float]

    def take(self, pcm: Pcm) -> Samples | Pcm:
        """Give what is ready of the frames so far, shape (frames, channels)."""
        ...

    def flush(self) -> Samples | Pcm:
        """Give what was held back. What comes next does not follow it."""
        ...


def rate(card_rate_hz: int, rate_hz: int, channels: int, resampler: str) -> Rate:
    """Choose one. Where ``fir`` has no filters for the two rates it is soxr's."""
    if card_rate_hz == rate_hz:
        return Same(channels)
    if resampler == "fir" and (factor := first_factor(card_rate_hz, rate_hz)):
        return Fir(factor, channels)
    return Soxr(card_rate_hz, rate_hz, channels)


@final
class Same:
    """The card gives what is stored."""

    most_held_s: ClassVar[float] = 0.0

    def __init__(self, channels: int) -> None:
        self._channels = channels

    def take(self, pcm: Pcm) -> Pcm:
        """See :class:`Rate`."""
        return pcm

    def flush(self) -> Pcm:
        """See :class:`Rate`."""
        return np.zeros((0, self._channels), np.int16)


@final
class Soxr:
    """libsoxr's HQ: flat up to 0.91 of half the lower rate, nothing folded back, for any two rates."""

    most_held_s: ClassVar[float] = 0.17  # it works in blocks

    def __init__(self, card_rate_hz: int, rate_hz: int, channels: int) -> None:
        self._shape = (card_rate_hz, rate_hz, channels)
        self._stream: soxr.ResampleStream | None = None

    def take(self, pcm: Pcm) -> Pcm:
        """See :class:`Rate`."""
        if self._stream is None:
            self._stream = soxr.ResampleStream(*self._shape, dtype="int16", quality="HQ")
        return self._frames(self._stream.resample_chunk(np.ascontiguousarray(pcm)))

    def flush(self) -> Pcm:
        """See :class:`Rate`."""
        nothing: Pcm = np.zeros((0, self._shape[2]), np.int16)
        if self._stream is None:
            return nothing
        stream, self._stream = self._stream, None
        return self._frames(stream.resample_chunk(nothing, last=True))

    def _frames(self, pcm: Pcm) -> Pcm:
        return pcm.reshape(-1, self._shape[2])
