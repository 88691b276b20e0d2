"""Workers whose time is served, and what the front tells of the box's health."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from appliance.audio.measure import read_coded
from drivers.contract import CallArrived, CallLeft
from hil.peers.siprec_client import SiprecClient
from tests.wires.front.conftest import kamailios, running, until

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]


async def test_a_worker_is_replaced_when_its_time_is_served_and_no_call_is_lost(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=8, worker_age_s=3) as trunk:
        long = await caller.call(trunk.port, streams=2)
        (first,) = await trunk.wait(CallArrived)
        media = asyncio.create_task(caller.send(long, range(350)))
        while not media.done():
            short = await caller.call(trunk.port)  # raises where one is refused
            await asyncio.sleep(0.05)
            assert await caller.bye(short) == 200
        await until(lambda: trunk.tap.status.renewals >= 1)
        before = trunk.tap.status.renewals
        assert await caller.bye(long) == 200
        await until(lambda: first.session in {fact.session for fact in trunk.all(CallLeft)})
        legs = trunk.legs(first.session)
        assert [read_coded(legs[n].pcm, n).lost(350) for n in (0, 1)] == [[], []]
        await until(lambda: trunk.tap.status.renewals > before)  # the long call's worker too, once it has none
        await until(lambda: trunk.tap.status.workers_up == 3)
        assert (trunk.tap.status.restarts, trunk.downs) == (0, [])


async def test_options_tell_load_and_health(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=8) as trunk:
        dialogs = [await caller.call(trunk.port) for _ in range(3)]
        async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
            answer = await client.options()
            assert (answer.code, answer.one("X-Linetap-Load")) == (200, "3/8")
            trunk.tap.tell_health("disk full")
            await asyncio.sleep(0.3)
            answer = await client.options()
            assert answer.code == 503
            assert "disk full" in answer.one("Warning")
            dialogs.append(await caller.call(trunk.port))  # what comes all the same is taken: memory may hold it
            kamailios(trunk)[0].kill()
            await until(lambda: trunk.tap.status.restarts == 1 and trunk.tap.status.workers_up == 3)
            await asyncio.sleep(0.3)
            assert (await client.options()).code == 503
            trunk.tap.tell_health("")
            await asyncio.sleep(0.3)
            assert (await client.options()).code == 200
        for dialog in dialogs:
            assert await caller.bye(dialog) == 200


async def test_a_trunk_without_a_front_tells_its_health_too(tmp_path: Path, caller: Any) -> None:
    async with (
        running(tmp_path, calls=4, front="none") as trunk,
        SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client,
    ):
        assert (await client.options()).code == 200
        trunk.tap.tell_health("disk full")
        await asyncio.sleep(0.3)
        assert (await client.options()).code == 503
