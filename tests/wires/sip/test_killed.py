"""What a killed worker takes with it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import Any

import pytest

from appliance.audio.measure import read_coded
from drivers.contract import CallArrived, CallLeft
from tests.wires.sip.conftest import PACKET_S, Start

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]

WORKER_MS = 150  # of what left the jitter buffer
PACKETS = 400


@pytest.mark.parametrize("jitter_ms", [40, 200])
async def test_a_killed_worker_loses_150_ms_a_leg_beside_the_jitter_buffer(
    start_trunk: Start, caller: Any, jitter_ms: int
) -> None:
    trunk = await start_trunk(calls=4, jitter_ms=jitter_ms)
    dialogs = [await caller.call(trunk.port, streams=2) for _ in range(4)]
    arrived = await trunk.wait(CallArrived, 4)
    sent: list[float] = []

    async def numbers() -> None:
        for number in range(PACKETS):
            await asyncio.gather(*(caller.send(dialog, [number]) for dialog in dialogs))
            sent.append(time.monotonic())
            await asyncio.sleep(max(0.0, sent[0] + (number + 1) * PACKET_S - time.monotonic()))

    media = asyncio.create_task(numbers())
    await asyncio.sleep(3.03)
    os.kill(trunk.tap.pids()[0], signal.SIGKILL)
    killed_s = time.monotonic()
    media.cancel()
    came = sum(moment < killed_s for moment in sent)
    short_ms = []
    for fact in arrived:
        for number, leg in trunk.legs(fact.session).items():
            found = read_coded(leg.pcm, number)
            last = max(found.numbers.tolist())
            assert found.lost(last + 1) == []
            short_ms.append((came - 1 - last) * PACKET_S * 1000)
    assert len(short_ms) == 8
    assert max(short_ms) <= jitter_ms + WORKER_MS, short_ms


async def test_the_callers_of_a_killed_worker_hear_of_it_from_the_next(start_trunk: Start, caller: Any) -> None:
    trunk = await start_trunk(calls=4)
    ended, dead, other = [await caller.call(trunk.port) for _ in range(3)]
    assert await caller.bye(ended) == 200
    await trunk.wait(CallLeft)
    os.kill(trunk.tap.pids()[0], signal.SIGKILL)
    async with asyncio.timeout(15):
        await asyncio.gather(dead.ended.wait(), other.ended.wait())
    assert await caller.bye(await caller.call(trunk.port)) == 200
