from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from drivers.contract import CallArrived, CallLeft
from hil.peers.siprec_client import SiprecClient
from tests.wires.front.conftest import kamailios, running, until
from tests.wires.sip.metadata import document

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]

WORKERS = 2


async def test_a_killed_workers_callers_get_a_bye_and_its_places_are_free(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=8) as trunk:
        dialogs = {}
        for _ in range(8):
            dialog = await caller.call(trunk.port)
            dialogs[dialog.call_id] = dialog
        arrived = await trunk.wait(CallArrived, 8)
        os.kill(trunk.tap.pids()[0], signal.SIGKILL)
        on_it = [dialogs[fact.reference] for fact in arrived if int(fact.line) < 4]
        async with asyncio.timeout(8):
            await asyncio.gather(*(dialog.ended.wait() for dialog in on_it))
        others = [dialogs[fact.reference] for fact in arrived if int(fact.line) >= 4]
        assert not any(dialog.ended.is_set() for dialog in others)
        await until(lambda: trunk.tap.status.workers_up == WORKERS + 1)
        await asyncio.sleep(0.5)
        again = [await caller.call(trunk.port) for _ in range(4)]
        assert {int(fact.line) // 4 for fact in trunk.all(CallArrived)[8:]} == {0}
        for dialog in [*others, *again]:
            assert await caller.bye(dialog) == 200


async def test_while_a_worker_is_away_another_takes_the_call(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=8) as trunk:
        stopped = trunk.tap.pids()[0]
        os.kill(stopped, signal.SIGSTOP)
        try:
            async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
                await client.begin(document(padding=9000))
                (fact,) = await trunk.wait(CallArrived)
                assert int(fact.line) >= 4
                assert fact.device == "5003"  # its metadata went along
                assert await client.end() == 200
        finally:
            os.kill(stopped, signal.SIGKILL)


async def test_a_killed_front_is_started_again_and_calls_end_through_it(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=4) as trunk:
        dialog = await caller.call(trunk.port)
        await caller.send(dialog, range(20))
        kamailios(trunk)[0].kill()
        await until(lambda: trunk.tap.status.restarts == 1 and trunk.tap.status.workers_up == 2)
        await caller.send(dialog, range(20, 40))
        assert await caller.bye(dialog) == 200
        await trunk.wait(CallLeft)
        assert await caller.bye(await caller.call(trunk.port)) == 200
        assert trunk.read(trunk.all(CallLeft)[0].session).measured["leg0"]["packets"] == 40


async def test_kamailio_does_not_outlive_its_worker(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=4) as trunk:
        before = {p.pid for p in kamailios(trunk)}
        assert before
        os.kill(trunk.tap.pids()[1], signal.SIGKILL)
        await until(lambda: trunk.tap.status.restarts == 1 and trunk.tap.status.workers_up == 2)
        assert not before & {p.pid for p in kamailios(trunk)}
        assert await caller.bye(await caller.call(trunk.port)) == 200
    assert kamailios(trunk) == []
