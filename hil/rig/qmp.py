"""QEMU's own control line: the QEMU Machine Protocol, JSON both ways (qemu's docs/interop/qmp-intro)."""

from __future__ import annotations

import json
import socket
import time
from typing import Any, final

from hil.rig.agent.wire import Lines
from hil.rig.errors import MachineError, MachineTimeoutError

ANSWER_S = 30.0
_LOOK_S = 0.05


@final
class Qmp:
    """Speaks over a connected stream socket, which it owns. For one thread."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._lines = Lines()
        self._waiting: list[dict[str, Any]] = []

    def greet(self, timeout_s: float = ANSWER_S) -> None:
        """Take QEMU's greeting and leave its negotiation mode. Raises MachineError if QEMU did not start."""
        deadline_s = time.monotonic() + timeout_s
        while "QMP" not in self._receive(deadline_s):
            pass
        self.execute("qmp_capabilities")

    def execute(self, command: str, timeout_s: float = ANSWER_S, **arguments: Any) -> Any:
        """Carry out a command and give what it returns. Raises MachineError with QEMU's reason."""
        request = {"execute": command, **({"arguments": arguments} if arguments else {})}
        deadline_s = time.monotonic() + timeout_s
        try:
            self._stream.sendall(json.dumps(request).encode())
        except OSError as error:
            raise MachineError(f"QEMU is gone: {error}") from error
        while True:
            answer = self._receive(deadline_s)
            if "error" in answer:
                raise MachineError(f"QEMU refused {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def wait_status(self, command: str, wanted: frozenset[str], timeout_s: float) -> str:
        """Ask ``command`` until its status is one of ``wanted``; gives which. Raises MachineTimeoutError."""
        deadline_s = time.monotonic() + timeout_s
        while (status := str(self.execute(command).get("status"))) not in wanted:
            if time.monotonic() > deadline_s:
                raise MachineTimeoutError(f"{command} stays at {status}")
            time.sleep(_LOOK_S)
        return status

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def _receive(self, deadline_s: float) -> dict[str, Any]:
        """Give the next message that is no event."""
        while not self._waiting:
            self._stream.settimeout(max(deadline_s - time.monotonic(), 0.001))
            try:
                data = self._stream.recv(65536)
            except TimeoutError:
                raise MachineTimeoutError("QEMU did not answer in time") from None
            except OSError as error:
                raise MachineError(f"QEMU is gone: {error}") from error
            if not data:
                raise MachineError("QEMU is gone")
            self._waiting.extend(message for message in self._lines.feed(data) if "event" not in message)
        return self._waiting.pop(0)
