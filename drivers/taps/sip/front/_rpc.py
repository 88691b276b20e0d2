"""Orders to a running Kamailio: JSON-RPC in datagrams over a socket in its folder."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
from pathlib import Path
from typing import Any, Final, final

_LONGEST_BYTES: Final = 1 << 20


@final
class RpcError(Exception):
    """Kamailio refused an order, or did not answer in time."""


@final
class Rpc:
    """The client's end. For one thread."""

    def __init__(self, folder: Path, timeout_s: float = 1.0) -> None:
        self._server = folder / "rpc"
        self._own = folder / f"rpc-{os.getpid()}"
        self._timeout_s = timeout_s
        self._numbers = itertools.count(1)
        self._socket: socket.socket | None = None

    def call(self, method: str, *parameters: str | int) -> Any:
        """Have an order carried out; gives its result. Raises :class:`RpcError`."""
        number = next(self._numbers)
        order = {"jsonrpc": "2.0", "method": method, "params": parameters, "id": number}
        try:
            end = self._open()
            end.sendto(json.dumps(order).encode(), str(self._server))
            answer = json.loads(end.recv(_LONGEST_BYTES))
            while answer.get("id") != number:  # one that came too late
                answer = json.loads(end.recv(_LONGEST_BYTES))
        except (OSError, ValueError) as error:
            raise RpcError(f"{method}: {error}") from error
        if "error" in answer:
            raise RpcError(f"{method}: {answer['error'].get('message', answer['error'])}")
        return answer.get("result")

    def close(self) -> None:
        """Close our end."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        with contextlib.suppress(FileNotFoundError):
            self._own.unlink()

    def _open(self) -> socket.socket:
        if self._socket is None:
            with contextlib.suppress(FileNotFoundError):
                self._own.unlink()
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.bind(str(self._own))
            self._socket.settimeout(self._timeout_s)
        return self._socket
