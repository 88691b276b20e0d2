"""One file that is played into a call, by PJSIP's own player."""

from __future__ import annotations

import contextlib
import threading
from ctypes import CFUNCTYPE, c_void_p
from pathlib import Path
from typing import Final, final

from drivers.contract import TapFailedError
from drivers.taps.sip._native import Native

OnEnd: Final = CFUNCTYPE(None, c_void_p, c_void_p)


@final
class Player:
    """A WAV file in the bridge. It begins to sound when it is first connected. For the PJSIP thread alone."""

    def __init__(self, native: Native, file: Path) -> None:
        self._native = native
        self._ended = threading.Event()
        self._on_end = OnEnd(lambda _port, _data: self._ended.set())  # comes on a thread of PJSIP's
        self._pool = native.open_pool()
        with contextlib.ExitStack() as undo:
            undo.callback(native.release_pool, self._pool)
            self._port = native.open_player(self._pool, file, self._on_end)
            undo.callback(native.close_port, self._port)
            self._slot = native.add_port(self._pool, self._port)
            undo.pop_all()

    @property
    def ended(self) -> bool:
        """Whether the last frame of the file was taken."""
        return self._ended.is_set()

    def connect(self, slot: int) -> None:
        """Let a stream have it. A second time does nothing."""
        self._native.connect(self._slot, slot)

    def close(self) -> None:
        """Take it out of the bridge, which lets it go at its next frame."""
        with contextlib.suppress(TapFailedError):  # the bridge has dropped it before us
            self._native.remove_port(self._slot)
        self._native.close_port(self._port)

    def release(self) -> None:
        """Give its memory back; a while after :meth:`close`, when the bridge surely has let go of it."""
        self._native.release_pool(self._pool)
