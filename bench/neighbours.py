"""How fast a TEST is answered beside bad neighbours: a subscriber that never reads, idle and half-sent connections.

All of them at once, while calls come and go and their events flow. Measured in turns, without and with them, beside a
bare asyncio echo: what the machine does meanwhile hits both.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from appliance.client import Client
from hil.child_box import HOST, ChildBox
from hil.latency import compare, echo_server, figures

ROUNDS: Final = 3
SUBSCRIBE: Final = b"<REQUEST><TYPE>EVENTS</TYPE><REQUESTID>1</REQUESTID></REQUEST>\r\n"
HALF: Final = b"<REQUEST><TYPE>CALLSTART</TYPE><REQUESTID>1</REQUESTID><DEVICEID>55"
STATES: Final = ("before", "during")
SLOWER: Final = 1.5
"""The median beside them, against the one without them and with the echo's change taken out, is below this."""
SETTINGS: Final = {
    "api": {
        "idle_s": 600,
        "request_s": 600,
        "max_connections": 1000,
        "max_connections_per_peer": 1000,
        "max_requests_per_s": 0,
    },
    "events": {"queue": 100, "buffer_bytes": 4096},
}


def talk(port: int, calls_per_s: float) -> None:
    """Begin and end calls at a steady pace until killed, so that events flow."""
    with Client(HOST, port) as client:
        next_s = time.monotonic()
        while True:
            for kind in ("CALLSTART", "CALLSTOP"):
                client.request({"TYPE": kind, "DEVICEID": "7001", "USER1": "x" * 20, "USER4": "y" * 255})
            next_s += 1 / calls_per_s
            time.sleep(max(0.0, next_s - time.monotonic()))


@contextlib.contextmanager
def neighbours(box: ChildBox, idle: int) -> Iterator[socket.socket]:
    """Be all of them at once; gives the subscriber that never reads."""
    with contextlib.ExitStack() as held:
        deaf = held.enter_context(socket.socket())
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect((HOST, box.events_port))
        deaf.sendall(SUBSCRIBE)
        for _ in range(idle):
            held.enter_context(socket.create_connection((HOST, box.api_port), 10))
        held.enter_context(socket.create_connection((HOST, box.api_port), 10)).sendall(HALF)
        time.sleep(3)  # so that events pile up behind the one that does not read
        yield deaf


@contextlib.contextmanager
def caller(port: int, calls_per_s: float) -> Iterator[None]:
    """Run :func:`talk` in a process of its own."""
    command = [sys.executable, __file__, "--talk", str(port), "--calls-per-s", str(calls_per_s)]
    with subprocess.Popen(command) as process:
        try:
            yield
        finally:
            process.kill()


def measure(requests: int, idle: int, calls_per_s: float) -> dict[str, Any]:
    """Ask without and with them, three times in turns."""
    took_ms: dict[str, dict[str, list[float]]] = {state: {"test": [], "echo": []} for state in STATES}
    with tempfile.TemporaryDirectory(prefix="linetap-bench-") as folder:
        taps = [{"name": "lines", "kind": "virtual", "lines": 1}]
        box = ChildBox(Path(folder), taps=taps, schedules=[], sections=SETTINGS)
        with box, echo_server() as echo_port, caller(box.api_port, calls_per_s):
            time.sleep(1)
            for _ in range(ROUNDS):
                for state in STATES:
                    with neighbours(box, idle) if state == "during" else contextlib.nullcontext():
                        for name, more_ms in compare(box.api_port, echo_port, requests // ROUNDS).items():
                            took_ms[state][name] += more_ms
            dropped = _figure(box, "linetap_events_dropped")
    facts: dict[str, Any] = {s: {n: figures(ms) for n, ms in took.items()} for s, took in took_ms.items()}
    ratio = {n: facts["during"][n]["median_ms"] / facts["before"][n]["median_ms"] for n in ("test", "echo")}
    return facts | {
        "idle_connections": idle,
        "calls_per_s": calls_per_s,
        "events_dropped": dropped,
        "median_ratio": {name: round(value, 3) for name, value in ratio.items()},
        "as_fast": ratio["test"] / ratio["echo"] < SLOWER,
    }


def _figure(box: ChildBox, name: str) -> float:
    with urllib.request.urlopen(f"http://{HOST}:{box.web_port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def main() -> int:
    """Run it; 0 if the median is what it was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=6000)
    parser.add_argument("--idle", type=int, default=200, help="connections that send nothing")
    parser.add_argument("--calls-per-s", type=float, default=50.0, help="calls that begin and end, for their events")
    parser.add_argument("--talk", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="end with one JSON object on the last line")
    arguments = parser.parse_args()
    if arguments.talk:
        talk(arguments.talk, arguments.calls_per_s)
    facts = measure(arguments.requests, arguments.idle, arguments.calls_per_s)
    for state in STATES:
        for name in ("test", "echo"):
            found = facts[state][name]
            print(f"{state:7} {name:5} median {found['median_ms']:.3f} ms, p99 {found['p99_ms']:.3f} ms")
    print(
        f"the median became {facts['median_ratio']['test']} times as long, the echo's {facts['median_ratio']['echo']}"
    )
    print(f"{facts['events_dropped']:.0f} events were let go for the subscriber that never reads")
    if arguments.json:
        print(json.dumps(facts))
    return 0 if facts["as_fast"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
