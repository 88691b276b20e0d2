"""One leg's recorder: PJSIP writes the file by itself, a frame every 20 ms, whatever Python does."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final, final

from drivers.contract import TapFailedError
from drivers.taps.sip._native import Native
from drivers.taps.sip._player import Player

_TURNS_PER_S: Final = 50  # of the bridge
_BUFFER_TURNS: Final = 2  # what a killed worker loses at most beside C's own buffer
_SAMPLE_BYTES: Final = 2
_SILENCE_SLOT = 0  # the bridge's null device


@final
class Recorder:
    """A WAV file that grows in step with the bridge's clock from now on, by silence where nothing is connected.

    ``rate_hz`` is the bridge's own: PJSIP brings what comes at another rate to it.
    """

    def __init__(self, native: Native, path: Path, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.turn_frames = rate_hz // _TURNS_PER_S  # what the bridge gives at once
        self._native = native
        self._pool = native.open_pool()
        with contextlib.ExitStack() as undo:
            undo.callback(native.release_pool, self._pool)
            buffer_bytes = _BUFFER_TURNS * self.turn_frames * _SAMPLE_BYTES
            self._port = native.open_wav(self._pool, path, rate_hz, self.turn_frames, buffer_bytes)
            undo.callback(native.close_port, self._port)
            self._slot = native.add_port(self._pool, self._port)
            undo.pop_all()
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        native.connect(_SILENCE_SLOT, self._slot)

    def connect(self, slot: int) -> None:
        """Record the stream in ``slot`` too."""
        self._native.connect(slot, self._slot)

    def disconnect(self, slot: int) -> None:
        """Record silence in the place of the stream in ``slot``.

        The null device hears it from now on: a stream that nobody hears keeps what comes, and plays it later.
        """
        self._native.connect(slot, _SILENCE_SLOT)
        self._native.disconnect(slot, self._slot)

    def hear(self, player: Player) -> None:
        """Record what a player plays, too."""
        player.connect(self._slot)

    @property
    def frames(self) -> int:
        """Frames recorded so far. Not after :meth:`close`."""
        return self._native.written_bytes(self._port) // _SAMPLE_BYTES

    def close(self) -> None:
        """Write no more frames. The file is whole when :attr:`whole` says so, a frame later."""
        with contextlib.suppress(TapFailedError):  # the bridge has dropped it before us
            self._native.remove_port(self._slot)
        self._native.close_port(self._port)

    @property
    def whole(self) -> bool:
        """Whether the bridge has let go of the closed file: its header then tells the length."""
        return os.pread(self._file, 4, 4) not in {b"", b"\0\0\0\0"}

    def release(self) -> None:
        """Give back memory and file; only once :attr:`whole`, or never."""
        os.close(self._file)
        self._native.release_pool(self._pool)
