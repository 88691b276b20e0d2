"""The host's side of the line into the machine: asks its agent, and keeps the answers apart.

One question at a time: whoever needs two things going on in the machine starts the first in its background.
"""

from __future__ import annotations

import dataclasses
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, final

from hil.rig.agent.commands import TIMED_OUT
from hil.rig.agent.wire import PIECE_BYTES, Lines, encode, pack, unpack
from hil.rig.errors import CommandError, MachineError, MachineTimeoutError

ANSWER_S = 60.0
_LOOK_BYTES = 1 << 18

Hear = Callable[[bytes], None]


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Done:
    """A command that ended. ``machine_s`` is how long it took by the machine's clock, ``host_s`` by ours."""

    argv: tuple[str, ...]
    code: int
    output: bytes
    errors: bytes
    machine_s: float
    host_s: float

    @property
    def text(self) -> str:
        """Its standard output."""
        return self.output.decode(errors="replace")

    def check(self) -> Done:
        """Give it back if it succeeded. Raises CommandError with what it said."""
        if self.code:
            said = (self.output + self.errors).decode(errors="replace").strip()
            how = "was over its time" if self.code == TIMED_OUT else f"ended with {self.code}"
            raise CommandError(f"{' '.join(self.argv)} {how}:\n{said}")
        return self


@final
class Link:
    """Speaks over a connected stream socket, which it owns. For one thread."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._lines = Lines()
        self._last = 0
        self._waiting: list[dict[str, Any]] = []

    def hello(self, timeout_s: float) -> None:
        """Wait until the agent answers. Raises MachineTimeoutError, or MachineError if the machine is gone."""
        self._ask({"do": "hello"}, timeout_s)

    def set_clock(self, unix_s: float) -> None:
        """Set the machine's wall clock."""
        self._ask({"do": "set_clock", "unix_s": unix_s}, ANSWER_S)

    def put(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Write a file in the machine. Raises MachineError where it cannot be written."""
        for offset in range(0, max(len(data), 1), PIECE_BYTES):
            piece = pack(data[offset : offset + PIECE_BYTES])
            self._ask({"do": "put", "path": path, "offset": offset, "data": piece, "mode": mode}, ANSWER_S)

    def get(self, path: str) -> bytes:
        """Read a file of the machine. Raises MachineError where it is not there."""
        return b"".join(self._pieces(path))

    def _pieces(self, path: str) -> Iterator[bytes]:
        offset = 0
        while True:
            request = {"do": "get", "path": path, "offset": offset, "length": PIECE_BYTES}
            piece = unpack(self._ask(request, ANSWER_S)["data"])
            yield piece
            offset += len(piece)
            if len(piece) < PIECE_BYTES:
                return

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        host_timeout_s: float,
        cwd: str = "/",
        env: Mapping[str, str] | None = None,
        hear_output: Hear | None = None,
        hear_errors: Hear | None = None,
    ) -> Done:
        """Run a command, without a shell, to its end.

        ``timeout_s`` counts by the machine's clock, which jumps or lags where it counts instructions;
        ``host_timeout_s`` by ours, and raises MachineTimeoutError. ``hear_…`` are given the output as it comes.
        """
        output, errors = bytearray(), bytearray()

        def hear(message: dict[str, Any]) -> None:
            for name, kept, told in (("out", output, hear_output), ("err", errors, hear_errors)):
                if name in message:
                    data = unpack(message[name])
                    kept.extend(data)
                    if told is not None:
                        told(data)

        request = {"do": "run", "argv": list(argv), "cwd": cwd, "env": dict(env or {}), "timeout_s": timeout_s}
        begin_s = time.monotonic()
        done = self._ask(request, host_timeout_s, hear)
        host_s = time.monotonic() - begin_s
        return Done(tuple(argv), done["code"], bytes(output), bytes(errors), done["seconds"], host_s)

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def _ask(
        self, request: dict[str, Any], timeout_s: float, hear: Callable[[dict[str, Any]], None] | None = None
    ) -> dict[str, Any]:
        self._last += 1
        deadline_s = time.monotonic() + timeout_s
        self._send(encode({"id": self._last, **request}), deadline_s)
        while True:
            message = self._receive(deadline_s, str(request["do"]))
            if message.get("id") != self._last:
                continue  # the answer to a question that was given up
            if "failed" in message:
                raise MachineError(message["failed"])
            if "done" in message:
                answer: dict[str, Any] = message["done"]
                return answer
            if hear is not None:
                hear(message)

    def _send(self, data: bytes, deadline_s: float) -> None:
        try:
            self._stream.settimeout(max(deadline_s - time.monotonic(), 0.001))
            self._stream.sendall(data)
        except TimeoutError:
            raise MachineTimeoutError("the machine takes no request") from None
        except OSError as error:
            raise MachineError(f"the machine is gone: {error}") from error

    def _receive(self, deadline_s: float, what: str) -> dict[str, Any]:
        while not self._waiting:
            try:
                self._stream.settimeout(max(deadline_s - time.monotonic(), 0.001))
                data = self._stream.recv(_LOOK_BYTES)
            except TimeoutError:
                raise MachineTimeoutError(f"the machine did not answer in time: {what}") from None
            except OSError as error:
                raise MachineError(f"the machine is gone: {error}") from error
            if not data:
                raise MachineError("the machine is gone")
            self._waiting.extend(self._lines.feed(data))
        return self._waiting.pop(0)
