"""How long a TEST takes over one connection, idle and while calls are recorded, beside a bare asyncio echo.

Both servers are asked in turns by the same client in the same run, so that what the machine does meanwhile hits both.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from hil.child_box import HOST, ChildBox
from hil.load import run_load

ROUND: Final = 250
REQUEST: Final = b"<REQUEST><TYPE>TEST</TYPE><REQUESTID>1</REQUESTID></REQUEST>\r\n"
END: Final = b"\n"
DEADLINE_S: Final = 60.0


class _Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


async def _serve_echo() -> None:
    server = await asyncio.get_running_loop().create_server(_Echo, HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def _ask(connection: socket.socket, request: bytes, end: bytes, times: int) -> list[float]:
    """Ask so many times, one after the other; gives milliseconds."""
    took_ms = []
    for _ in range(times):
        begun_s = time.perf_counter()
        connection.sendall(request)
        answer = b""
        while not answer.endswith(end):
            answer += connection.recv(65536)
        took_ms.append((time.perf_counter() - begun_s) * 1000)
    return took_ms


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection((HOST, port), 10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def compare(api_port: int, echo_port: int, requests: int) -> dict[str, dict[str, float]]:
    """Ask both servers in turns of 250."""
    took: dict[str, list[float]] = {"test": [], "echo": []}
    give_up_s = time.monotonic() + DEADLINE_S
    with _connect(api_port) as api, _connect(echo_port) as echo:
        while len(took["test"]) < requests and time.monotonic() < give_up_s:
            took["test"] += _ask(api, REQUEST, b"</RESULT>\r\n", ROUND)
            took["echo"] += _ask(echo, REQUEST, END, ROUND)
    return {name: _figures(values) for name, values in took.items()}


def _figures(took_ms: list[float]) -> dict[str, float]:
    median, p99 = np.percentile(took_ms, [50, 99])
    return {
        "requests": len(took_ms),
        "median_ms": round(float(median), 4),
        "p99_ms": round(float(p99), 4),
        "max_ms": round(max(took_ms), 3),
    }


def measure(calls: int, requests: int, echo_port: int) -> dict[str, Any]:
    """Measure at an idle box, then while calls are recorded."""
    with tempfile.TemporaryDirectory(prefix="linetap-bench-") as folder:
        taps = [{"name": "lines", "kind": "virtual", "lines": 1}]
        with ChildBox(Path(folder), taps=taps) as box:
            idle = compare(box.api_port, echo_port, requests)
    with run_load(calls, seconds=30) as load:
        loaded = compare(load.box.api_port, echo_port, requests)
        usage = load.measure(1.0)
    return {
        "calls": calls,
        "idle": idle,
        "recording": loaded,
        "machine_busy_percent": usage.machine_busy_percent,
        "median_under_1_ms": loaded["test"]["median_ms"] < 1,
    }


def main() -> int:
    """Run it; 0 if the median is below a millisecond while calls are recorded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--json", action="store_true", help="end with one JSON object on the last line")
    parser.add_argument("--echo", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.echo:
        asyncio.run(_serve_echo())
    command = [sys.executable, __file__, "--echo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as echo:
        try:
            assert echo.stdout is not None
            facts = measure(arguments.calls, arguments.requests, int(echo.stdout.readline()))
        finally:
            echo.kill()
    for state in ("idle", "recording"):
        for name in ("test", "echo"):
            figures = facts[state][name]
            print(f"{state:10} {name:5} median {figures['median_ms']:.3f} ms, p99 {figures['p99_ms']:.3f} ms")
    if arguments.json:
        print(json.dumps(facts))
    return 0 if facts["median_under_1_ms"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
