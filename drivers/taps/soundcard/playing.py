"""Plays into a card: the other direction, for test tones and the bench. A tap never plays.

It stands here since this is the room of both libraries. Writing waits until there is room, so whoever writes is paced
by the card; a player that is not written to for longer than its buffer runs dry, which is counted.
"""

from __future__ import annotations

import abc
import dataclasses
import time
from types import TracebackType
from typing import Any, Literal, Self, final

from drivers.contract import TapOptionsError
from drivers.taps.soundcard._portion import Pcm
from drivers.taps.soundcard._stream import CardAbsentError, CardRefusesError, StreamError, StreamLostError

__all__ = ["CardAbsentError", "CardRefusesError", "PlayOptions", "Player", "StreamError", "StreamLostError", "player"]

_PERIODS = 5


@final
@dataclasses.dataclass(frozen=True, slots=True)
class PlayOptions:
    """What is played into. ``buffer_ms`` is how far ahead of what is heard frames are written."""

    device: str
    backend: Literal["alsa", "portaudio"] = "alsa"
    channels: int = 2
    rate_hz: int = 48000
    buffer_ms: int = 500


class Player(abc.ABC):
    """An open output; a context manager. Used by one thread."""

    def __init__(self, options: PlayOptions) -> None:
        self.options = options
        self.dry = 0  # times that it ran dry
        self.first_s: float | None = None  # moment at which the first frame left, by the monotonic clock
        self._written = 0

    def write(self, pcm: Pcm) -> None:
        """Write frames, shape (frames, channels). Raises StreamLostError when the card is gone."""
        step = max(1, self.options.rate_hz * self.options.buffer_ms // 1000 // _PERIODS)
        for at in range(0, len(pcm), step):
            part = pcm[at : at + step]
            self._put(part.astype("<i2").tobytes(), len(part))
            self._written += len(part)
            zero_s = time.monotonic() - (self._written - self._waiting()) / self.options.rate_hz
            self.first_s = zero_s if self.first_s is None else min(self.first_s, zero_s)

    def drain(self) -> None:
        """Wait until all that was written is heard."""
        time.sleep(max(0, self._waiting()) / self.options.rate_hz)

    @abc.abstractmethod
    def close(self) -> None:
        """Let the card go, at once."""

    @abc.abstractmethod
    def _put(self, octets: bytes, frames: int) -> None:
        """Write a period or less, waiting for room."""

    @abc.abstractmethod
    def _waiting(self) -> int:
        """Frames written and not yet heard."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def player(options: PlayOptions) -> Player:
    """Open an output. Raises CardAbsentError, CardRefusesError, and TapOptionsError without the library."""
    try:
        return _AlsaPlayer(options) if options.backend == "alsa" else _PortAudioPlayer(options)
    except (ImportError, OSError) as error:
        raise TapOptionsError(f"the backend {options.backend} cannot be loaded: {error}") from error


@final
class _AlsaPlayer(Player):
    def __init__(self, options: PlayOptions) -> None:
        import alsaaudio  # noqa: PLC0415 - loaded only where it is played with

        super().__init__(options)
        self._fault = alsaaudio.ALSAAudioError
        try:
            self._pcm = alsaaudio.PCM(
                type=alsaaudio.PCM_PLAYBACK,
                mode=alsaaudio.PCM_NORMAL,
                device=options.device,
                channels=options.channels,
                rate=options.rate_hz,
                format=alsaaudio.PCM_FORMAT_S16_LE,
                periodsize=options.rate_hz * options.buffer_ms // 1000 // _PERIODS,
                periods=_PERIODS,
            )
        except alsaaudio.ALSAAudioError as error:
            raise CardAbsentError(f"{options.device} cannot be opened: {error}") from error
        given: dict[str, Any] = self._pcm.info()
        for name, wanted in (("rate", options.rate_hz), ("channels", options.channels)):
            if given[name] != wanted:
                self._pcm.close()
                raise CardRefusesError(f"{options.device} gives {name} {given[name]}, not {wanted}")
        self._buffer_frames = int(given["buffer_size"])

    def close(self) -> None:
        self._pcm.drop()
        self._pcm.close()

    def _put(self, octets: bytes, frames: int) -> None:
        try:
            while (done := self._pcm.write(octets)) < 0:  # it ran dry; the library made it ready again
                self.dry += 1
        except self._fault as error:
            raise StreamLostError(f"{self.options.device}: {error}") from error
        if done < frames:
            self._put(octets[done * 2 * self.options.channels :], frames - done)

    def _waiting(self) -> int:
        try:
            return self._buffer_frames - int(self._pcm.avail())
        except self._fault:
            return 0


@final
class _PortAudioPlayer(Player):
    def __init__(self, options: PlayOptions) -> None:
        import sounddevice  # noqa: PLC0415 - loaded only where it is played with

        super().__init__(options)
        self._fault = sounddevice.PortAudioError
        try:
            found = sounddevice.query_devices(options.device, "output")
        except (ValueError, sounddevice.PortAudioError) as error:
            raise CardAbsentError(f"{options.device} is not there: {error}") from error
        if found["max_output_channels"] < options.channels:
            raise CardRefusesError(
                f"{options.device} has {found['max_output_channels']} outputs, not {options.channels}"
            )
        try:
            self._stream = sounddevice.RawOutputStream(
                device=found["index"],
                channels=options.channels,
                samplerate=options.rate_hz,
                dtype="int16",
                latency=options.buffer_ms / 1000,
            )
            self._stream.start()
        except sounddevice.PortAudioError as error:
            raise CardAbsentError(f"{options.device} cannot be opened: {error}") from error
        self._buffer_frames = max(
            int(self._stream.write_available), round(float(self._stream.latency) * options.rate_hz)
        )

    def close(self) -> None:
        self._stream.abort(ignore_errors=True)
        self._stream.close(ignore_errors=True)

    def _put(self, octets: bytes, frames: int) -> None:  # noqa: ARG002 - it writes all
        try:
            self.dry += bool(self._stream.write(octets)) and bool(self._written)
        except self._fault as error:
            raise StreamLostError(f"{self.options.device}: {error}") from error

    def _waiting(self) -> int:
        try:
            room = int(self._stream.write_available)
        except self._fault:
            return 0
        return max(0, min(self._written, self._buffer_frames - room))
