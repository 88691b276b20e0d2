"""Kamailio's processes: started as a session of their own, read, and ended as a group, whatever became of the first."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, final

from drivers.contract import TapFailedError
from drivers.taps.sip.front._program import Program

logger = logging.getLogger(__name__)

_END_S: Final = 4.0
_SHARED_MB: Final = 128  # taken only as it is used
_STEP_S: Final = 0.02
_LAST_LINES: Final = 5
_LEVELS: Final = {
    "ALERT": logging.ERROR,
    "CRITICAL": logging.ERROR,
    "ERROR": logging.ERROR,
    "WARNING": logging.WARNING,
    "NOTICE": logging.INFO,
    "INFO": logging.INFO,
}
_LINE: Final = re.compile(r"\s*\d+\(\d+\)\s+(?P<level>[A-Z]+):\s*(?P<text>.*)")
_MARK: Final = "linetap:"


@final
class Process:
    """One run of Kamailio. ``on_mark`` takes what its routing tells us, on a thread of its own."""

    def __init__(self, program: Program, path: Path, on_mark: Callable[[str], None]) -> None:
        self._path = path
        self._on_mark = on_mark
        self._last: list[str] = []
        self._ending = False
        # Its parent's death ends the first process, which ends the others.
        with_us = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
        self._popen = subprocess.Popen(
            [*with_us, str(program.path), "-DD", "-E", "-m", str(_SHARED_MB), "-f", str(path), "-Y", str(path.parent)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name="front-output", daemon=True)
        self._reader.start()

    def check(self) -> None:
        """Raise :class:`TapFailedError` when the first process has ended."""
        code = self._popen.poll()
        if code is not None:
            self._reader.join(0.5)
            raise TapFailedError(f"kamailio ended with code {code}: {' | '.join(self._last) or 'it said nothing'}")

    def close(self) -> None:
        """End all processes: in good order first, then by force."""
        self._ending = True
        _signal_group(self._popen.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(_END_S)
        _signal_group(self._popen.pid, signal.SIGKILL)
        self._popen.wait(_END_S)
        self._reader.join(_END_S)

    def _read(self) -> None:
        assert self._popen.stdout is not None
        with self._popen.stdout as output:
            for octets in output:
                self._take(octets.decode(errors="backslashreplace").rstrip())

    def _take(self, line: str) -> None:
        _, mark, told = line.partition(_MARK)
        if mark:
            self._on_mark(told)
            return
        found = _LINE.match(line)
        level = _LEVELS.get(found["level"], logging.INFO) if found else logging.DEBUG
        if level >= logging.ERROR:
            self._last = [*self._last[1 - _LAST_LINES :], found["text"] if found else line]
        logger.log(logging.DEBUG if self._ending else level, "kamailio: %s", found["text"] if found else line)


def end_strays(path: Path) -> None:
    """Kill what an earlier worker left behind: Kamailio or rtpengine with the file ``path`` among its arguments."""
    end_s = time.monotonic() + _END_S
    while strays := [pid for pid in _pids() if _is_ours(_arguments(pid), path)]:
        if time.monotonic() > end_s:
            raise TapFailedError(f"processes of an earlier front do not end: {strays}")
        for pid in strays:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_STEP_S)


def _pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdecimal() and int(entry) != os.getpid()]  # noqa: PTH208


def _is_ours(arguments: list[bytes], path: Path) -> bool:
    program = arguments[0].rpartition(b"/")[2] if arguments else b""
    mark = str(path).encode()
    return program in {b"kamailio", b"setpriv", b"rtpengine"} and any(mark in word for word in arguments)


def _arguments(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
