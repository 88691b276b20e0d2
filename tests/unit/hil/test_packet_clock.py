from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import numpy as np
import pytest

from appliance.audio import g722, measure
from hil.peers.packet_clock import PacketClock


@pytest.fixture
def ears() -> Iterator[list[socket.socket]]:
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(4)]
    for ear in sockets:
        ear.bind(("127.0.0.1", 0))
        ear.setblocking(False)
    yield sockets
    for ear in sockets:
        ear.close()


def packets(ear: socket.socket) -> list[bytes]:
    heard = []
    while True:
        try:
            heard.append(ear.recv(2048))
        except BlockingIOError:
            return heard


async def test_every_stream_gets_all_its_numbered_packets_from_one_source(ears: list[socket.socket]) -> None:
    clock = PacketClock(40)
    clock.start()
    addresses = [ear.getsockname() for ear in ears]
    first = clock.begin(addresses[:2], 40)
    await asyncio.sleep(0.2)  # calls come and go meanwhile
    others = [clock.begin(addresses[2:3], 10) for _ in range(7)] + [clock.begin(addresses[3:], 20)]
    await asyncio.wait_for(asyncio.gather(*(c.done.wait() for c in [first, *others])), 10)
    await asyncio.to_thread(clock.close)
    assert clock.failure is None
    for leg, ear in enumerate(ears[:2]):
        heard = packets(ear)
        assert [int.from_bytes(p[2:4], "big") for p in heard] == list(range(40))
        assert [int.from_bytes(p[4:8], "big") for p in heard] == [160 * n for n in range(40)]
        assert len({p[8:12] for p in heard}) == 1
        assert b"".join(p[12:] for p in heard) == measure.coded_payload(leg, np.arange(40)).tobytes()
    assert len(packets(ears[2])) == 70
    assert len(packets(ears[3])) == 20
    assert first.ended_at_s - first.begun_at_s >= 39 * 0.02 - 0.02


async def test_packets_of_g722_carry_numbers_too(ears: list[socket.socket]) -> None:
    clock = PacketClock(20, "G722")
    clock.start()
    await asyncio.wait_for(clock.begin([ear.getsockname() for ear in ears[:2]], 20).done.wait(), 10)
    await asyncio.to_thread(clock.close)
    for leg, ear in enumerate(ears[:2]):
        heard = packets(ear)
        assert {p[1] for p in heard} == {9}
        assert [int.from_bytes(p[4:8], "big") for p in heard] == [160 * n for n in range(20)]
        expected = g722.encode(np.repeat(measure.coded_pcm(leg, 20), 2))
        assert b"".join(p[12:] for p in heard) == expected.tobytes()


async def test_a_cancelled_call_gets_no_more(ears: list[socket.socket]) -> None:
    clock = PacketClock(1000)
    clock.start()
    call = clock.begin([ears[0].getsockname()], 1000)
    await asyncio.sleep(0.2)
    clock.cancel(call)
    await asyncio.wait_for(call.done.wait(), 5)
    packets(ears[0])
    await asyncio.sleep(0.1)
    assert packets(ears[0]) == []
    assert 0 < call.sent < 1000
    await asyncio.to_thread(clock.close)
