"""A caller that gives up before anybody has answered: nothing is left of its call."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from appliance.audio.measure import read_coded
from drivers.contract import CallArrived, CallLeft
from hil.peers.sipp import Sipp
from tests.wires.front.conftest import running
from tests.wires.sip.sipp_calls import SCENARIOS

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]


async def test_a_call_that_is_cancelled_while_the_workers_hang(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path / "run", calls=4) as trunk:
        worker, *_ = trunk.tap.pids()
        os.kill(worker, signal.SIGSTOP)
        try:
            keys = {"rtp_port": 9}
            async with Sipp(SCENARIOS / "cancel_unanswered.xml", tmp_path, to=trunk.port, keys=keys) as peer:
                await peer.over()
            await asyncio.sleep(1.0)  # a worker that hangs for less is waited for
        finally:
            os.kill(worker, signal.SIGCONT)
        await asyncio.sleep(1.0)
        assert trunk.facts == []
        dialogs = [await caller.call(trunk.port) for _ in range(4)]  # no place is lost
        await caller.send(dialogs[0], range(20))
        for dialog in dialogs:
            assert await caller.bye(dialog) == 200
        await trunk.wait(CallLeft, 4)
        first = next(fact for fact in trunk.all(CallArrived) if fact.reference == dialogs[0].call_id)
        assert read_coded(trunk.legs(first.session)[0].pcm, 0).lost(20) == []
