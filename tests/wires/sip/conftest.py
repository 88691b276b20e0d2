"""A SIP trunk as the core runs it, in worker processes, and a caller whose packets carry their number."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import os
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar, final

import numpy as np
import numpy.typing as npt
import pytest
import pytest_asyncio

from appliance.audio.measure import coded_payload
from appliance.capture.child import Watch
from appliance.capture.supervisor import TapSupervisor
from appliance.spool.layout import Spool
from appliance.spool.reader import SessionReader
from drivers.contract import CallArrived, CallLeft, TapEvent
from drivers.taps.sip import Options
from hil.peers.sip_uac import Dialog, Uac, offer_audio

PACKET_S = 0.02
E = TypeVar("E", bound=TapEvent)


@final
@dataclasses.dataclass(frozen=True)
class Leg:
    """A recorded leg as the writer will take it: without the frames to be skipped."""

    party: str
    pcm: npt.NDArray[np.int16]
    started_s: float
    losses: list[Any]


@final
class Trunk:
    """The running tap, what it told, and what it left in the spool."""

    def __init__(self, options: Options, run_dir: Path) -> None:
        self.port = options.port
        self.facts: list[tuple[float, TapEvent]] = []
        self.downs: list[str] = []
        self.spool = Spool(run_dir)
        self.spool.create()
        self.tap = TapSupervisor(
            options,
            run_dir,
            on_fact=lambda fact: self.facts.append((time.monotonic(), fact)),
            on_up=lambda _: None,
            on_down=lambda _, reason: self.downs.append(reason),
            watch=Watch(first_s=0.1),
        )

    def all(self, kind: type[E]) -> list[E]:
        return [fact for _, fact in self.facts if isinstance(fact, kind)]

    async def wait(self, kind: type[E], count: int = 1, timeout_s: float = 10) -> list[E]:
        end_s = time.monotonic() + timeout_s
        while len(found := self.all(kind)) < count:
            assert time.monotonic() < end_s, f"{len(found)} of {count} {kind.__name__}; there are {self.facts}"
            await asyncio.sleep(0.01)
        return found

    async def forget(self) -> Trunk:
        """Forget what was told, when nothing is left to tell: each call of the test before is over."""
        await self.wait(CallLeft, len(self.all(CallArrived)))
        self.facts.clear()
        return self

    def read(self, session: str) -> SessionReader:
        reader = SessionReader(self.spool, session)
        reader.refresh()
        reader.close()
        return reader

    def legs(self, session: str) -> dict[int, Leg]:
        reader, found = SessionReader(self.spool, session), {}
        reader.refresh()
        for number, view in reader.legs.items():
            pcm = np.zeros(max(0, view.frames - view.record.skip_frames), np.int16)
            view.read_into(pcm, view.record.skip_frames)
            found[number] = Leg(view.record.party.value, pcm, view.record.started_mono_s, view.losses)
        reader.close()
        return found


Start = Callable[..., Awaitable[Trunk]]


@asynccontextmanager
async def running(run_dir: Path, **options: Any) -> AsyncIterator[Trunk]:
    """Run a trunk on free ports with the given options; its workers take the calls, unless told else."""
    given = {"front": "none", **options}
    trunk = Trunk(Options(name="trunk", kind="sip", port=free_ports(), rtp_ports=31000, **given), run_dir)
    await trunk.tap.start()
    try:
        assert trunk.tap.status.workers_up == trunk.tap.status.workers, trunk.downs
        yield trunk
    finally:
        await trunk.tap.close()


@pytest_asyncio.fixture(loop_scope="module")
async def start_trunk(tmp_path: Path) -> AsyncIterator[Start]:
    """Start a trunk of the test's own."""
    async with AsyncExitStack() as stack:

        async def start(**options: Any) -> Trunk:
            return await stack.enter_async_context(running(tmp_path / "run", **options))

        yield start


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_trunk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Trunk]:
    async with running(tmp_path_factory.mktemp("trunk"), calls=4) as trunk:
        yield trunk


@pytest_asyncio.fixture(loop_scope="module")
async def trunk(shared_trunk: Trunk) -> Trunk:
    """One worker with four lines, all free, that told nothing yet."""
    return await shared_trunk.forget()


def free_ports() -> int:
    """Find a port such that it and the next even ones are free for UDP and TCP."""
    first = 15400 + os.getpid() % 40 * 20  # two runs at once look at different ports first
    for port in itertools.chain(range(first, 16200, 10), range(15400, first, 10)):
        try:
            for offset in (0, 2, 4):
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    with socket.socket(socket.AF_INET, kind) as probe:
                        probe.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        return port
    raise AssertionError("no free ports")


@final
class Caller:
    """Places calls by hand and sends their packets, in order or not."""

    def __init__(self, uac: Uac) -> None:
        self.uac = uac
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))

    async def call(
        self, port: int, to: str = "5003", streams: int = 1, headers: dict[str, str] | None = None, user: str = "4711"
    ) -> Dialog:
        offer = offer_audio(self.socket.getsockname()[1], streams)
        return await self.uac.invite(f"sip:{to}@127.0.0.1:{port}", ("127.0.0.1", port), user, headers or {}, offer)

    async def send(self, dialog: Dialog, numbers: Iterable[int], *, slot: int | None = None) -> None:
        """Send packets 20 ms apart, each with its number as sequence, time stamp and sound. -1 sends none."""
        begun_s = time.monotonic()
        for turn, number in enumerate(numbers):
            await asyncio.sleep(max(0.0, begun_s + turn * PACKET_S - time.monotonic()))
            for leg, target in enumerate(dialog.media):
                if number >= 0 and slot in {None, leg}:
                    self.socket.sendto(packet(leg, number), target)

    async def bye(self, dialog: Dialog) -> int:
        await asyncio.sleep(PACKET_S)
        return int(await self.uac.bye(dialog))


def packet(leg: int, number: int) -> bytes:
    payload = coded_payload(leg, np.array([number])).tobytes()
    return struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number * 160, 77 + leg) + payload


@pytest_asyncio.fixture(loop_scope="module")
async def caller() -> AsyncIterator[Caller]:
    uac = Uac()
    await uac.open()
    found = Caller(uac)
    yield found
    found.socket.close()
    uac.close()
