"""One child process: started with an inherited socket, ended without a race, its output brought to the log.

The process is known by a pidfd, so a signal can never hit another process that took the same pid, and its end wakes
the event loop without a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import signal
import socket
import subprocess
import sys
from typing import Final, final

from appliance import clock
from appliance.capture.repeats import Repeats

logger = logging.getLogger(__name__)

_LONGEST_OUTPUT_BYTES: Final = 8192
_LEVEL: Final = re.compile(r"(DEBUG|INFO|WARNING|ERROR|CRITICAL) ")
OUTPUT_FORMAT: Final = "%(levelname)s %(name)s: %(message)s"
"""How a child logs to its standard error, so that the core logs each line at the level it was meant for."""


@final
class Process:
    """A running ``python -m module <fd> <json>``. Belongs to the event loop on which it was started."""

    def __init__(self, popen: subprocess.Popen[bytes], name: str) -> None:
        self._popen = popen
        self._name = name
        self._pidfd = os.pidfd_open(popen.pid)
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._output: asyncio.Task[None] | None = None
        self._repeats = Repeats()
        asyncio.get_running_loop().add_reader(self._pidfd, self._reap)

    @classmethod
    async def start(cls, name: str, module: str, options: str, end: socket.socket) -> Process:
        """Start the module with the socket ``end``, which is closed here, as its own process group.

        A group of its own keeps a terminal's Ctrl-C from the child: the core ends it in good order.
        Raises OSError.
        """
        with end:
            command = [sys.executable, "-m", module, str(end.fileno()), options]
            popen = subprocess.Popen(  # noqa: ASYNC220 - returns once the program runs; asyncio's own blocks as long
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[end.fileno()],
                process_group=0,
            )
        process = cls(popen, name)
        await process._log_output()
        return process

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._popen.pid

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal; to a process that has ended it does nothing."""
        if not self._ended.done():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    async def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait for the end and give the exit code (a signal as its negative number); None if it still runs."""
        try:
            return await asyncio.wait_for(asyncio.shield(self._ended), timeout_s)
        except TimeoutError:
            return None

    async def close(self) -> None:
        """Kill it if it still runs, reap it, and log the rest of its output."""
        self.send_signal(signal.SIGKILL)
        await asyncio.shield(self._ended)
        if self._output is not None:
            # A grandchild may hold the other end open: what it says is not waited for.
            await asyncio.wait([self._output], timeout=0.5)
            self._output.cancel()
            await asyncio.gather(self._output, return_exceptions=True)

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._ended.set_result(self._popen.wait())

    async def _log_output(self) -> None:
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), self._popen.stdout
        )
        self._output = asyncio.create_task(self._copy(reader, transport), name=f"output of {self._name}")

    async def _copy(self, reader: asyncio.StreamReader, transport: asyncio.ReadTransport) -> None:
        rest = b""
        try:
            while chunk := await reader.read(_LONGEST_OUTPUT_BYTES):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._log(line)
                if len(rest) > _LONGEST_OUTPUT_BYTES:
                    self._log(rest, whole=False)
                    rest = b""
        finally:
            self._log(rest)
            transport.close()

    def _log(self, line: bytes, *, whole: bool = True) -> None:
        log_output(f"{self._name}[{self.pid}]", line, self._repeats if whole else None)


def log_output(source: str, line: bytes, repeats: Repeats | None = None) -> None:
    """Log one line of a child. What does not come from the child's own log is worth a look: a warning, once."""
    text = line.decode(errors="backslashreplace").rstrip()
    number = logging.WARNING
    if level := _LEVEL.match(text):
        number = logging.getLevelNamesMapping()[level[1]]
        text = text[level.end() :]
    elif text and repeats is not None:
        text = repeats.take(text, clock.monotonic_s())
    if text:
        logger.log(number, "%s: %s", source, text)
