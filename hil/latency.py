"""How long an answer takes over one connection, beside a bare asyncio echo that is asked in turns.

``python -m hil.latency`` is the echo, a process of its own that prints its port. What the machine does meanwhile hits
both, so that the difference is the box's.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Final

import numpy as np

from hil.child_box import HOST

TURN_REQUESTS: Final = 250
REQUEST: Final = b"<REQUEST><TYPE>TEST</TYPE><REQUESTID>1</REQUESTID></REQUEST>\r\n"
DEADLINE_S: Final = 60.0

Figures = dict[str, float]


class _Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


async def _serve_echo() -> None:
    server = await asyncio.get_running_loop().create_server(_Echo, HOST, 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


@contextlib.contextmanager
def echo_server() -> Iterator[int]:
    """Run the echo; gives its port."""
    with subprocess.Popen([sys.executable, "-m", __name__], stdout=subprocess.PIPE, text=True) as echo:
        try:
            assert echo.stdout is not None
            yield int(echo.stdout.readline())
        finally:
            echo.kill()


def compare(api_port: int, echo_port: int, requests: int) -> dict[str, list[float]]:
    """Ask for TEST and the echo in turns of 250; gives the milliseconds of each."""
    took_ms: dict[str, list[float]] = {"test": [], "echo": []}
    give_up_s = time.monotonic() + DEADLINE_S
    with _connect(api_port) as api, _connect(echo_port) as echo:
        while len(took_ms["test"]) < requests and time.monotonic() < give_up_s:
            took_ms["test"] += _ask(api, b"</RESULT>\r\n")
            took_ms["echo"] += _ask(echo, b"\n")
    return took_ms


def figures(took_ms: list[float]) -> Figures:
    """Put what was measured into a few numbers."""
    median, p99 = np.percentile(took_ms, [50, 99])
    return {
        "requests": len(took_ms),
        "median_ms": round(float(median), 4),
        "p99_ms": round(float(p99), 4),
        "max_ms": round(max(took_ms), 3),
    }


def _ask(connection: socket.socket, end: bytes) -> list[float]:
    took_ms = []
    for _ in range(TURN_REQUESTS):
        begun_s = time.perf_counter()
        connection.sendall(REQUEST)
        answer = b""
        while not answer.endswith(end):
            answer += connection.recv(65536)
        took_ms.append((time.perf_counter() - begun_s) * 1000)
    return took_ms


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection((HOST, port), 10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


if __name__ == "__main__":
    asyncio.run(_serve_echo())
