"""Packets of somebody else at the port of a call: a device that sends still to a call that is gone."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from appliance.audio.measure import coded_payload, read_coded
from drivers.contract import CallLeft, LineFault
from tests.wires.sip.conftest import PACKET_S

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]

PACKETS = 450
FOUND_OUT = 400  # packets until the promised source is heard: most often 50 to 120, by when a look meets one of its own
STRANGE = 900


async def send_strange(stranger: socket.socket, target: tuple[str, int]) -> None:
    for number in range(2000):
        payload = coded_payload(0, np.array([STRANGE + number % 50])).tobytes()
        stranger.sendto(struct.pack("!BBHII", 0x80, 0, 40_000 + number, number * 160, 5555) + payload, target)
        await asyncio.sleep(PACKET_S)


@contextlib.asynccontextmanager
async def strange_packets(target: tuple[str, int]) -> AsyncIterator[str]:
    """Send them until the end; gives the address they come from."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))
        sending = asyncio.create_task(send_strange(stranger, target))
        await asyncio.sleep(0.3)
        yield f"127.0.0.1:{stranger.getsockname()[1]}"
        sending.cancel()


async def test_a_stranger_who_sends_first_does_not_take_the_call_from_the_promised_source(
    trunk: Any, caller: Any
) -> None:
    dialog = await caller.call(trunk.port)
    async with strange_packets(dialog.media[0]) as stranger:
        await caller.send(dialog, range(PACKETS))
        assert await caller.bye(dialog) == 200
    (left,) = await trunk.wait(CallLeft)
    found = read_coded(trunk.legs(left.session)[0].pcm, 0).numbers
    own = [number for number in found.tolist() if number < STRANGE]
    assert own == list(range(own[0], PACKETS))
    assert own[0] <= FOUND_OUT
    (fault,) = trunk.all(LineFault)
    assert stranger in fault.text


async def test_a_stranger_who_comes_later_is_not_heard(trunk: Any, caller: Any) -> None:
    dialog = await caller.call(trunk.port)
    sending = asyncio.create_task(caller.send(dialog, range(120)))
    await asyncio.sleep(0.4)
    async with strange_packets(dialog.media[0]):
        await sending
    assert await caller.bye(dialog) == 200
    (left,) = await trunk.wait(CallLeft)
    assert read_coded(trunk.legs(left.session)[0].pcm, 0).lost(120) == []


async def test_the_source_may_still_move_when_the_promised_one_falls_silent(trunk: Any, caller: Any) -> None:
    dialog = await caller.call(trunk.port)
    async with strange_packets(dialog.media[0]):
        await caller.send(dialog, range(PACKETS))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        heard, caller.socket = caller.socket, other
        try:
            await caller.send(dialog, range(PACKETS, PACKETS + 150))
        finally:
            caller.socket = heard
    assert await caller.bye(dialog) == 200
    (left,) = await trunk.wait(CallLeft)
    found = read_coded(trunk.legs(left.session)[0].pcm, 0).numbers.tolist()
    assert set(found) >= set(range(PACKETS + 110, PACKETS + 150))
