from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from drivers.contract import CallAnswered, CallArrived, CallLeft, CallRefused
from hil.peers.sip_phone import SipPhone
from hil.peers.sip_uac import CallRefusedError
from hil.peers.siprec_client import SiprecClient
from tests.wires.front.conftest import front_folder, kamailios, running, until
from tests.wires.sip.conftest import Trunk
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


async def load(port: int) -> str:
    """What the front tells of its load."""
    async with SiprecClient(port, 4000) as client:
        answer = await client.options()
    return answer.one("X-Linetap-Load")


async def place(trunk: Trunk, caller: Any, count: int) -> dict[int, list[Any]]:
    """Place calls; gives the dialogs by the worker that has them."""
    known = len(trunk.all(CallArrived))
    dialogs = [await caller.call(trunk.port) for _ in range(count)]
    by_id = {dialog.call_id: dialog for dialog in dialogs}
    found: dict[int, list[Any]] = {}
    for fact in (await trunk.wait(CallArrived, known + count))[known:]:
        found.setdefault(int(fact.line) // 4, []).append(by_id[fact.reference])
    await asyncio.sleep(0.3)  # the last one's ACK passes the front
    return found


async def kill_kamailio(trunk: Trunk) -> None:
    restarts = trunk.tap.status.restarts
    kamailios(trunk)[0].kill()
    await until(lambda: trunk.tap.status.restarts > restarts and trunk.tap.status.workers_up == WORKERS + 1)


async def test_calls_count_after_kamailio_was_killed(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=8) as trunk:
        placed = await place(trunk, caller, 4)
        assert {worker: len(dialogs) for worker, dialogs in placed.items()} == {0: 2, 1: 2}
        for dialog in placed[1]:
            assert await caller.bye(dialog) == 200
        await trunk.wait(CallLeft, 2)
        await kill_kamailio(trunk)
        assert await load(trunk.port) == "2/8"
        more = await place(trunk, caller, 2)
        assert {worker: len(dialogs) for worker, dialogs in more.items()} == {1: 2}, "the one with room gets them"
        await kill_kamailio(trunk)
        more = {0: more.get(0, []), 1: more[1]}
        for worker, dialogs in (await place(trunk, caller, 4)).items():
            assert len(dialogs) == 2
            more[worker] += dialogs
        assert await load(trunk.port) == "8/8"
        with pytest.raises(CallRefusedError) as refused:
            await caller.call(trunk.port)
        assert refused.value.code == 503
        (fact,) = await trunk.wait(CallRefused)
        assert (fact.code, fact.reason) == (503, "no worker has room")
        for dialog in [*placed[0], *more[0], *more[1]]:
            assert await caller.bye(dialog) == 200
        await trunk.wait(CallLeft, 10)
        for _ in range(40):
            told = await load(trunk.port)
            if told == "0/8":
                break
            await asyncio.sleep(0.1)
        assert told == "0/8"


async def test_a_worker_that_dies_after_kamailio_did_has_its_callers_told(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=8) as trunk:
        placed = await place(trunk, caller, 8)
        await kill_kamailio(trunk)
        os.kill(trunk.tap.pids()[0], signal.SIGKILL)
        async with asyncio.timeout(8):
            await asyncio.gather(*(dialog.ended.wait() for dialog in placed[0]))
        assert not any(dialog.ended.is_set() for dialog in placed[1])
        await until(lambda: trunk.tap.status.workers_up == WORKERS + 1)
        await asyncio.sleep(0.5)
        again = await place(trunk, caller, 4)
        assert again.keys() == {0}, "its places are free, and the other's are not"
        with pytest.raises(CallRefusedError):
            await caller.call(trunk.port)
        for dialog in [*placed[1], *again[0]]:
            assert await caller.bye(dialog) == 200
        await trunk.wait(CallLeft, 8)


async def test_a_worker_that_dies_while_nobody_looks_has_its_callers_told(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=8) as trunk:
        placed = await place(trunk, caller, 6)
        keeper, worker = trunk.tap.pids()[WORKERS], trunk.tap.pids()[0]
        os.kill(keeper, signal.SIGSTOP)
        os.kill(worker, signal.SIGKILL)  # all of it, before the keeper can see it
        os.kill(keeper, signal.SIGKILL)
        async with asyncio.timeout(10):
            await asyncio.gather(*(dialog.ended.wait() for dialog in placed[0]))
        assert not any(dialog.ended.is_set() for dialog in placed[1])
        await until(lambda: trunk.tap.status.workers_up == WORKERS + 1)
        for dialog in placed[1]:
            assert await caller.bye(dialog) == 200
        await trunk.wait(CallLeft, 3)
    assert not front_folder(trunk.port).exists()


async def test_a_phone_that_was_called_hears_of_it_too(tmp_path: Path) -> None:
    with SipPhone(user="5003") as phone:
        async with running(tmp_path, calls=8, dial_uri=f"sip:{{number}}@127.0.0.1:{phone.port}") as trunk:
            await trunk.tap.dial("0", "5003", "")
            await trunk.wait(CallAnswered)
            await kill_kamailio(trunk)
            assert await load(trunk.port) == "1/8"
            os.kill(trunk.tap.pids()[0], signal.SIGKILL)
            await asyncio.to_thread(phone.wait, "ended", timeout_s=5)


async def test_kamailio_does_not_outlive_its_worker(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=4) as trunk:
        before = {p.pid for p in kamailios(trunk)}
        assert before
        os.kill(trunk.tap.pids()[1], signal.SIGKILL)
        await until(lambda: trunk.tap.status.restarts == 1 and trunk.tap.status.workers_up == 2)
        assert not before & {p.pid for p in kamailios(trunk)}
        assert await caller.bye(await caller.call(trunk.port)) == 200
    assert kamailios(trunk) == []
