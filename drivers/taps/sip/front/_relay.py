"""rtpengine as a worker of the tap, so that audio goes on whatever becomes of Kamailio and of who looks after it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import final

from drivers.contract import Host, TapFailedError
from drivers.taps.sip._options import Options
from drivers.taps.sip.front._engine import PID_FILE, Engine
from drivers.taps.sip.front._folder import make_folder
from drivers.taps.sip.front._process import end_strays


@final
class Relay:
    """Runs it for workers of which number k holds ``shares[k]`` calls. When it ends, :meth:`poll` raises."""

    def __init__(self, options: Options, shares: Sequence[int]) -> None:
        self._options = options
        self._shares = shares
        self._folder: Path | None = None
        self._engine: Engine | None = None

    def open(self, host: Host) -> None:
        """Start it; returns when it can be asked. Raises TapError."""
        del host
        self._folder = make_folder(self._options)
        end_strays(self._folder / PID_FILE)
        self._engine = Engine(self._options, self._folder, sum(self._shares))

    def poll(self) -> None:
        """Raise TapFailedError when it has ended."""
        if self._engine is None:
            raise TapFailedError("rtpengine is not open")
        self._engine.check()

    def health(self, trouble: str) -> None:
        """Nobody asks it."""

    def close(self) -> None:
        """End it."""
        if self._engine is not None:
            self._engine.close()
        if self._folder is not None:
            (self._folder / PID_FILE).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self._folder.rmdir()  # the others left it to us
