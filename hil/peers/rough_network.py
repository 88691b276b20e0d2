"""A simulator of a rough network: a relay that drops, delays, reorders and doubles RTP by a seeded plan.

It stands where the kernel has no netem, and it knows what netem does not tell: which packets it dropped. The same
seed makes the same plan, packet by packet. A process of its own, so that its clock does not wait for whoever uses it::

    with RoughNetwork(RoughPlan(seed=1, loss=0.05, jitter_ms=100)) as network:
        dialog.media = network.lead(dialog.media)  # send to the relay from now on
        ...
    network.report[0].dropped  # RTP sequence numbers of path 0
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import random
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self, final

import pydantic
from pydantic import Field

Address = tuple[str, int]
_LONGEST_BYTES: Final = 2048
_START_S: Final = 10.0
_SOON_S: Final = 0.05


@final
class RoughPlan(pydantic.BaseModel):
    """What happens to each packet, drawn anew for each: shares from 0 to 1, times in milliseconds.

    ``jitter_ms`` is the most by which a packet is late beside ``delay_ms``, each lateness as likely as any other. A
    packet that is ``reordered`` goes out behind the next one of its path.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    seed: int
    paths: int = Field(default=2, ge=1, le=16)
    loss: float = Field(default=0, ge=0, le=1)
    delay_ms: float = Field(default=0, ge=0, le=1000)
    jitter_ms: float = Field(default=0, ge=0, le=1000)
    reordered: float = Field(default=0, ge=0, le=1)
    doubled: float = Field(default=0, ge=0, le=1)


@final
class PathReport(pydantic.BaseModel):
    """What was done on one path. ``dropped`` are RTP sequence numbers, ``sent`` those in the order they went out."""

    dropped: list[int] = []
    sent: list[int] = []
    doubled: int = 0
    max_late_ms: float = 0.0  # how late the relay itself was, beside the plan

    @property
    def overtaken(self) -> int:
        """Packets that went out behind a later one."""
        highest = list(itertools.accumulate(self.sent, max))
        return sum(number < top for number, top in zip(self.sent, highest, strict=True))


@final
class Report(pydantic.BaseModel):
    """What was done on all paths."""

    paths: list[PathReport]


@final
class Route(pydantic.BaseModel):
    """An order to the process: where each path leads from now on."""

    targets: list[Address]


@final
class RoughNetwork:
    """The relay's owner: a context manager that leaves no process behind. ``report`` is there at the end."""

    def __init__(self, plan: RoughPlan) -> None:
        self._plan = plan
        self._process: subprocess.Popen[str] | None = None
        self._ways: list[Address] = []
        self.report: list[PathReport] = []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hil.peers.rough_network", self._plan.model_dump_json()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        timer = threading.Timer(_START_S, self._process.kill)
        timer.start()
        assert self._process.stdout is not None
        self._ways = Route.model_validate_json(self._process.stdout.readline()).targets
        timer.cancel()
        return self

    def lead(self, targets: Sequence[Address]) -> tuple[Address, ...]:
        """Lead path n to target n from now on; gives the addresses to send to instead."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(Route(targets=list(targets)).model_dump_json() + "\n")
        self._process.stdin.flush()
        return tuple(self._ways[: len(targets)])

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        try:
            told, _error = self._process.communicate(timeout=_START_S)
            self.report = Report.model_validate_json(told).paths
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


@final
class _Path:
    """One direction of one stream."""

    def __init__(self, plan: RoughPlan, number: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.target: Address | None = None
        self.report = PathReport()
        self._plan = plan
        self._draw = random.Random(f"{plan.seed}-{number}")
        self._kept: bytes | None = None

    def fates(self, packet: bytes) -> list[tuple[float, bytes]]:
        """What goes out for a packet that came, each after so many seconds; nothing for one that is dropped."""
        plan, draw = self._plan, self._draw
        lost, late, behind, twice = (draw.random() for _ in range(4))
        if lost < plan.loss:
            self.report.dropped.append(_number(packet))
            return []
        delay_s = (plan.delay_ms + late * plan.jitter_ms) / 1000
        if behind < plan.reordered and self._kept is None:
            self._kept = packet
            return []
        going = [packet] if self._kept is None else [packet, self._kept]
        self._kept = None
        if twice < plan.doubled:
            self.report.doubled += 1
            going.append(packet)
        return [(delay_s, one) for one in going]

    def rest(self) -> list[bytes]:
        """Packet that waited for a next one that did not come."""
        kept, self._kept = self._kept, None
        return [] if kept is None else [kept]

    def send(self, packet: bytes, late_s: float) -> None:
        self.report.max_late_ms = max(self.report.max_late_ms, late_s * 1000)
        if self.target is not None:
            self.report.sent.append(_number(packet))
            with contextlib.suppress(OSError):
                self.socket.sendto(packet, self.target)


@final
class Relay:
    """The process's work: packets in, a heap of packets to come, packets out; until its standard input ends."""

    def __init__(self, plan: RoughPlan) -> None:
        self._paths = [_Path(plan, number) for number in range(plan.paths)]
        self._due: list[tuple[float, int, int, bytes]] = []
        self._count = itertools.count()
        self._selector = selectors.DefaultSelector()
        self._rest = b""
        for number, path in enumerate(self._paths):
            self._selector.register(path.socket, selectors.EVENT_READ, number)
        self._selector.register(0, selectors.EVENT_READ, None)

    def run(self) -> Report:
        """Relay; gives what was done."""
        ways = [path.socket.getsockname()[:2] for path in self._paths]
        print(Route(targets=ways).model_dump_json(), flush=True)  # noqa: T201 -- its way to say so
        while self._turn():
            pass
        for number, path in enumerate(self._paths):
            for packet in path.rest():
                self._put(0.0, number, packet)
        while self._due:
            self._send_due()
            time.sleep(0.001)
        return Report(paths=[path.report for path in self._paths])

    def _turn(self) -> bool:
        wait_s = max(0.0, self._due[0][0] - time.monotonic()) if self._due else _SOON_S
        for key, _ in self._selector.select(wait_s):
            if key.data is None:
                if not self._obey():
                    return False
            else:
                self._take(key.data)
        self._send_due()
        return True

    def _take(self, number: int) -> None:
        path = self._paths[number]
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = path.socket.recv(_LONGEST_BYTES)
                if _is_rtcp(packet):
                    continue  # of a stream whose RTP port happens to be the one below: reports go one above it
                for delay_s, going in path.fates(packet):
                    self._put(delay_s, number, going)

    def _put(self, delay_s: float, number: int, packet: bytes) -> None:
        heapq.heappush(self._due, (time.monotonic() + delay_s, next(self._count), number, packet))

    def _send_due(self) -> None:
        while self._due and self._due[0][0] <= time.monotonic():
            due_s, _, number, packet = heapq.heappop(self._due)
            self._paths[number].send(packet, time.monotonic() - due_s)

    def _obey(self) -> bool:
        octets = os.read(0, 1 << 16)
        *lines, self._rest = (self._rest + octets).split(b"\n")
        for line in lines:
            for path, target in zip(self._paths, Route.model_validate_json(line).targets, strict=False):
                path.target = target
        return bool(octets)


def _number(packet: bytes) -> int:
    """RTP sequence number (RFC 3550, 5.1)."""
    return int.from_bytes(packet[2:4], "big")


def _is_rtcp(packet: bytes) -> bool:
    """Whether it is a report beside a stream, by the ranges that no RTP uses (RFC 5761, 4)."""
    return 192 <= packet[1] <= 223


def main() -> None:
    """Relay by the plan of the command line; prints the ways in, and at the end the report."""
    print(Relay(RoughPlan.model_validate_json(sys.argv[1])).run().model_dump_json(), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
