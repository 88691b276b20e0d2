"""ALSA: the card itself, read without blocking."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Sequence
from typing import Final, final

import alsaaudio
import numpy as np

from drivers.taps.soundcard._options import Options
from drivers.taps.soundcard._portion import Pcm
from drivers.taps.soundcard._stream import (
    Block,
    CardAbsentError,
    CardBusyError,
    CardRefusesError,
    StreamLostError,
    Wake,
)

_BUSY: Final = os.strerror(errno.EBUSY)  # the library tells its errors by these texts alone


@final
class AlsaStream:
    """A running capture stream of 16-bit frames."""

    def __init__(self, options: Options, wake: Wake) -> None:  # noqa: ARG002 - ALSA has descriptors of its own
        """Open the card and start it. Raises CardAbsentError, CardBusyError, CardRefusesError."""
        self._channels = options.channels
        self._period_frames = options.card_rate_hz * options.period_ms // 1000
        self._overrun = False
        self._parts: list[Pcm] = []
        try:
            self._pcm = alsaaudio.PCM(
                type=alsaaudio.PCM_CAPTURE,
                mode=alsaaudio.PCM_NONBLOCK,
                device=options.device,
                channels=options.channels,
                rate=options.card_rate_hz,
                format=alsaaudio.PCM_FORMAT_S16_LE,
                periodsize=self._period_frames,
                periods=max(2, options.buffer_ms // options.period_ms),
            )
        except alsaaudio.ALSAAudioError as error:
            kind = CardBusyError if _BUSY in str(error) else CardAbsentError
            raise kind(f"{options.device} cannot be opened: {error}") from error
        try:
            self._check(options)
            self._parts.append(self._take())  # the first read starts the card
        except alsaaudio.ALSAAudioError as error:
            self._pcm.close()
            raise CardAbsentError(f"{options.device} does not start: {error}") from error
        except CardRefusesError:
            self._pcm.close()
            raise

    def descriptors(self) -> Sequence[tuple[int, int]]:
        """See :class:`~drivers.taps.soundcard._stream.Stream`."""
        return [(int(descriptor), int(events)) for descriptor, events in self._pcm.polldescriptors()]

    def read(self) -> Block | None:
        """See :class:`~drivers.taps.soundcard._stream.Stream`."""
        parts, self._parts = self._parts, []
        overrun, self._overrun = self._overrun, False
        try:
            while len(part := self._take()):
                parts.append(part)
                if len(part) < self._period_frames:  # there was no more
                    break
        except alsaaudio.ALSAAudioError as error:
            raise StreamLostError(str(error)) from error
        read_s = time.monotonic()
        parts = [part for part in parts if len(part)]
        if not parts:
            overrun, self._overrun = overrun or self._overrun, False
        return Block(parts, read_s, overrun) if parts or overrun else None

    def close(self) -> None:
        """See :class:`~drivers.taps.soundcard._stream.Stream`."""
        self._pcm.close()

    @property
    def _nothing(self) -> Pcm:
        return np.zeros((0, self._channels), np.int16)

    def _take(self) -> Pcm:
        """Give at most a period, and nothing at an overrun: the frames behind it are kept for the next block."""
        frames, octets = self._pcm.read()
        if frames < 0:
            self._overrun = True
            frames, octets = self._pcm.read()  # the library made the stream ready again, and a read starts it
            self._parts.append(self._frames(octets if frames > 0 else b""))
            return self._nothing
        return self._frames(octets)

    def _frames(self, octets: bytes) -> Pcm:
        return np.frombuffer(octets, "<i2").reshape(-1, self._channels)

    def _check(self, options: Options) -> None:
        given = self._pcm.info()
        for name, wanted in (("rate", options.card_rate_hz), ("channels", options.channels)):
            if given[name] != wanted:
                raise CardRefusesError(f"{options.device} gives {name} {given[name]}, not {wanted}")
        self._period_frames = int(given["period_size"])
