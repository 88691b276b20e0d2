"""What was sent before a BYE is recorded, however close to it."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import pytest

from appliance.audio.measure import read_coded
from drivers.contract import CallLeft
from hil.peers.siprec_client import SiprecClient
from tests.wires.sip.metadata import document

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]

CALLS = 12
PACKETS = 16  # a jitter buffer gives nothing before it is full
STOPPED_S = 0.02  # the worker finds the last packet and the BYE together when it goes on


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_the_packet_right_before_a_bye(trunk: Any, caller: Any, transport: Any) -> None:
    (worker,) = trunk.tap.pids()
    for number in range(CALLS):
        async with SiprecClient(trunk.port, caller.socket.getsockname()[1], transport=transport) as client:
            await client.begin(document())
            await caller.send(client, range(PACKETS - 1))
            os.kill(worker, signal.SIGSTOP)
            await caller.send(client, [PACKETS - 1])
            ended = asyncio.create_task(client.end())
            await asyncio.sleep(STOPPED_S)
            os.kill(worker, signal.SIGCONT)
            assert await ended == 200
        await trunk.wait(CallLeft, number + 1)
    lost = []
    for left in trunk.all(CallLeft):
        legs = trunk.legs(left.session)
        lost.append([read_coded(legs[leg].pcm, leg).lost(PACKETS) for leg in (0, 1)])
    assert lost == [[[], []]] * CALLS
