"""PortAudio: laptops, PulseAudio, systems other than Linux. It does not say when a card is pulled: frames stay out."""

from __future__ import annotations

import collections
import time
from collections.abc import Sequence
from typing import Any, Final, final

import numpy as np
import sounddevice

from drivers.taps.soundcard._options import Options
from drivers.taps.soundcard._portion import Pcm
from drivers.taps.soundcard._stream import Block, CardAbsentError, CardRefusesError, StreamLostError, Wake

_MOST_BLOCKS: Final = 200
_MOST_LATENCY_S: Final = 1.0  # a sound server would hand frames over as late as it may
_LONGEST_BLOCK_MS: Final = 20  # frames of a block come when it is full: a session waits for its last ones


@final
class PortAudioStream:
    """A running capture stream of 16-bit frames, which come by a callback in a thread of the library."""

    def __init__(self, options: Options, wake: Wake) -> None:
        """Open the card and start it. Raises CardAbsentError, CardRefusesError."""
        self._wake = wake
        self._blocks: collections.deque[Block] = collections.deque()
        self._channels = options.channels
        self._overrun = False
        _look_again()
        try:
            found = sounddevice.query_devices(options.device, "input")
        except (ValueError, sounddevice.PortAudioError) as error:
            raise CardAbsentError(f"{options.device} is not there: {error}") from error
        if found["max_input_channels"] < options.channels:
            raise CardRefusesError(f"{options.device} has {found['max_input_channels']} inputs, not {options.channels}")
        try:
            self._stream = sounddevice.RawInputStream(
                device=found["index"],
                channels=options.channels,
                samplerate=options.card_rate_hz,
                dtype="int16",
                blocksize=options.card_rate_hz * min(options.period_ms, _LONGEST_BLOCK_MS) // 1000,
                latency=min(options.buffer_ms / 1000, _MOST_LATENCY_S),
                callback=self._take,
            )
            self._stream.start()
        except sounddevice.PortAudioError as error:
            raise CardAbsentError(f"{options.device} cannot be opened: {error}") from error

    def descriptors(self) -> Sequence[tuple[int, int]]:
        """None: the callback sets the Wake."""
        return []

    def read(self) -> Block | None:
        """See :class:`~drivers.taps.soundcard._stream.Stream`."""
        if not self._blocks:
            if not self._stream.active:
                raise StreamLostError("PortAudio stopped the stream")
            return None
        first = self._blocks.popleft()
        parts, read_s = [*first.parts], first.read_s
        while self._blocks and not self._blocks[0].overrun:
            block = self._blocks.popleft()
            parts += block.parts
            read_s = block.read_s
        return Block(parts, read_s, first.overrun)

    def close(self) -> None:
        """See :class:`~drivers.taps.soundcard._stream.Stream`."""
        self._stream.close(ignore_errors=True)

    def _take(self, octets: Any, frames: int, moment: Any, status: Any) -> None:  # noqa: ARG002 - PortAudio's signature
        """Keep a block; in a thread of PortAudio, which must not wait."""
        read_s = time.monotonic()
        pcm: Pcm = np.frombuffer(bytes(octets), np.int16).reshape(-1, self._channels)
        overrun = bool(status.input_overflow) or self._overrun
        self._overrun = len(self._blocks) >= _MOST_BLOCKS
        if not self._overrun:
            self._blocks.append(Block([pcm], read_s, overrun))
        self._wake.set()


def _look_again() -> None:
    """Let PortAudio look for cards anew, which it does when it starts alone. No stream of the process is open."""
    sounddevice._terminate()  # noqa: SLF001 - the only way
    sounddevice._initialize()  # noqa: SLF001 - the same
