from __future__ import annotations

import asyncio
from typing import Any

import pytest

from appliance.audio.measure import read_coded
from drivers.contract import CallArrived, CallLeft, CallRefused
from hil.peers.rtp_source import RtpSource, SourceCall
from hil.peers.sip_uac import CallRefusedError

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]


async def test_twenty_calls_come_by_one_port_and_lose_nothing(trunk: Any, caller: Any) -> None:
    assert trunk.tap.status.workers == 6
    calls = [
        SourceCall(
            number=n, uri=f"sip:{5000 + n}@127.0.0.1:{trunk.port}", streams=2, packets=150, begin_after_s=0.05 * n
        )
        for n in range(20)
    ]
    source = asyncio.create_task(RtpSource(calls).run())
    await trunk.wait(CallArrived, 20)
    with pytest.raises(CallRefusedError) as refused:
        await caller.call(trunk.port)
    assert refused.value.code == 503
    (fact,) = await trunk.wait(CallRefused)
    assert (fact.code, fact.reason) == (503, "no worker has room")
    results = await source
    assert [result.bye_code for result in results] == [200] * 20
    left = await trunk.wait(CallLeft, 20)
    assert {fact.line for fact in left} == {str(n) for n in range(20)}
    for fact in left:
        legs = trunk.legs(fact.session)
        assert [read_coded(legs[leg].pcm, leg).lost(150) for leg in (0, 1)] == [[], []]


async def test_calls_go_to_the_worker_with_the_fewest(trunk: Any, caller: Any) -> None:
    dialogs = [await caller.call(trunk.port) for _ in range(10)]
    workers = sorted(int(fact.line) // 4 for fact in await trunk.wait(CallArrived, 10))
    assert workers == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    for dialog in dialogs:
        assert await caller.bye(dialog) == 200
    await trunk.wait(CallLeft, 10)


async def test_the_box_ends_a_call_through_the_front(trunk: Any, caller: Any) -> None:
    dialog = await caller.call(trunk.port)
    (arrived,) = await trunk.wait(CallArrived)
    await trunk.tap.hang_up(arrived.line, "a supervisor")
    await asyncio.wait_for(dialog.ended.wait(), 5)
    (left,) = await trunk.wait(CallLeft)
    assert left.reason == "a supervisor"
