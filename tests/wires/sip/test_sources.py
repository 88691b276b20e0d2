"""Where packets come from, and when: not as it was told, from elsewhere in mid-call, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

from appliance.audio.measure import coded_payload, read_coded
from drivers.contract import CallArrived, CallLeft, LineFault, LossReason
from hil.peers.siprec_client import SiprecClient
from tests.wires.sip.conftest import PACKET_S
from tests.wires.sip.makes import sdp

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]

FRAME = 160
PROBATION = 9  # packets of a new address that PJSIP throws away before it believes it


class Rtp(NamedTuple):
    """A packet's sound, its number and time stamp in packets, its source, and whether it comes from elsewhere."""

    sound: int
    number: int
    source: int = 77
    elsewhere: bool = False


def steady(first: int, end: int, *, ahead: int = 0, source: int = 77, elsewhere: bool = False) -> list[Rtp]:
    return [Rtp(n, n + ahead, source, elsewhere) for n in range(first, end)]


@contextlib.contextmanager
def elsewhere() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        yield other


async def record(trunk: Any, caller: Any, packets: Iterable[Rtp]) -> str:
    """Place a call with these packets; gives its session."""
    dialog = await caller.call(trunk.port)
    with elsewhere() as other:
        begun_s = time.monotonic()
        for turn, rtp in enumerate(packets):
            await asyncio.sleep(max(0.0, begun_s + turn * PACKET_S - time.monotonic()))
            payload = coded_payload(0, np.array([rtp.sound])).tobytes()
            head = struct.pack("!BBHII", 0x80, 0, rtp.number & 0xFFFF, rtp.number * FRAME & 0xFFFFFFFF, rtp.source)
            (other if rtp.elsewhere else caller.socket).sendto(head + payload, dialog.media[0])
    assert await caller.bye(dialog) == 200
    return next(str(fact.session) for fact in trunk.all(CallArrived) if fact.reference == dialog.call_id)


CALLS = {
    "from elsewhere from the first on": (steady(0, 100, elsewhere=True), 0),
    "another source from the same address": (steady(0, 50) + steady(50, 100, source=99), 0),
    "from elsewhere in mid-call": (steady(0, 50) + steady(50, 100, elsewhere=True), PROBATION),
    "a media server is replaced": (
        steady(0, 50) + steady(50, 100, ahead=30_000, source=99, elsewhere=True),
        PROBATION + 2,  # by its numbers, too, it is believed only with the second
    ),
}


async def test_whatever_changes_at_the_source_is_recorded_or_told(trunk: Any, caller: Any) -> None:
    calls = [record(trunk, caller, packets) for packets, _ in CALLS.values()]
    sessions = await asyncio.wait_for(asyncio.gather(*calls), 30)
    for (name, (_, most)), session in zip(CALLS.items(), sessions, strict=True):
        leg = trunk.legs(session)[0]
        found = read_coded(leg.pcm, 0)
        lost = found.lost(100)
        assert len(lost) <= most, name
        assert set(lost) <= set(range(38, 61)), name  # what waited in the jitter buffer, and the first of the new ones
        told = sum(loss.frames for loss in leg.losses if loss.reason is LossReason.PACKETS_LOST)
        assert told == pytest.approx(len(lost) * FRAME, abs=2 * FRAME), (name, leg.losses)
        span = found.positions[-1] - found.positions[0] + sum(loss.frames for loss in leg.losses if not loss.in_file)
        assert abs(int(span) - 99 * FRAME) <= 2 * FRAME, name


async def test_a_source_that_is_not_the_promised_one_is_recorded(trunk: Any, caller: Any) -> None:
    port = caller.socket.getsockname()[1]
    async with SiprecClient(trunk.port, port) as client:
        await client.begin_with(sdp(port, ("1", "2")) + "a=ssrc:4242 cname:x\r\n", "application/sdp")
        await caller.send(client, range(40))
        await asyncio.sleep(PACKET_S)
        assert await client.end() == 200
    (left,) = await trunk.wait(CallLeft)
    legs = trunk.legs(left.session)
    assert [read_coded(legs[leg].pcm, leg).lost(40) for leg in (0, 1)] == [[], []]


async def test_a_stream_that_never_comes_is_told_and_the_other_is_whole(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=1, rtp_timeout_s=1, dead_call_s=2)
    dialog = await caller.call(trunk.port, streams=2)
    await caller.send(dialog, range(200), slot=1)
    assert await caller.bye(dialog) == 200
    (left,) = await trunk.wait(CallLeft)
    assert left.reason == "the far end hung up"  # not given up: one of them speaks
    legs = trunk.legs(left.session)
    assert read_coded(legs[1].pcm, 1).lost(200) == []
    assert legs[1].losses == []
    assert not legs[0].pcm.any()
    assert {loss.reason for loss in legs[0].losses} == {LossReason.NO_MEDIA}
    told = sum(loss.frames for loss in legs[0].losses)
    assert told == pytest.approx(len(legs[0].pcm), abs=0.5 * 8000)
    assert [fact.text for fact in trunk.all(LineFault)] == ["no RTP on stream 0 for 1 s"]
    assert len(legs[0].pcm) == pytest.approx(len(legs[1].pcm), abs=2 * FRAME)
