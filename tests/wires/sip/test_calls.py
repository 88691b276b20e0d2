from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from appliance.audio.measure import find_tone, read_coded
from drivers.contract import CallArrived, CallLeft, MediaStarted, SessionClosed
from hil.peers.call_plan import CallPlan
from hil.peers.rtp_source import RtpSource, SourceCall
from hil.peers.sip_caller import SipCaller, write_tone

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]


async def test_every_packet_of_two_streams_is_recorded_in_its_place(trunk: Any, caller: Any) -> None:
    dialog = await caller.call(trunk.port, streams=2)
    began_s = time.monotonic()
    await caller.send(dialog, range(100))
    assert await caller.bye(dialog) == 200
    ended_s = time.monotonic()
    (left,) = await trunk.wait(CallLeft)
    legs = trunk.legs(left.session)
    assert {n: leg.party for n, leg in legs.items()} == {0: "caller", 1: "agent"}
    for number, leg in legs.items():
        found = read_coded(leg.pcm, number)
        assert found.lost(100) == []
        assert not found.doubled
        assert found.slips == []
        # the packet's moment and its place agree, and the leg is as long as the call was
        assert found.positions[0] / 8000 == pytest.approx(began_s - leg.started_s, abs=0.1)
        assert len(leg.pcm) / 8000 == pytest.approx(ended_s - leg.started_s, abs=0.4)
    begins = [read_coded(leg.pcm, n).positions[0] / 8000 + leg.started_s for n, leg in legs.items()]
    assert abs(begins[0] - begins[1]) <= 0.021


async def test_the_leg_is_as_long_as_the_call(trunk: Any) -> None:
    call = SourceCall(number=0, uri=f"sip:5003@127.0.0.1:{trunk.port}", packets=75)
    (result,) = await RtpSource([call]).run()
    (left,) = await trunk.wait(CallLeft)
    leg = trunk.legs(left.session)[0]
    spoken_s = result.ended_at_s + 0.03 - leg.started_s
    assert len(leg.pcm) / 8000 == pytest.approx(spoken_s, abs=0.1)
    assert leg.party == "mixed"
    assert read_coded(leg.pcm, 0).lost(75) == []


async def test_facts_come_in_order(trunk: Any, caller: Any) -> None:
    dialog = await caller.call(trunk.port, to="5003", headers={"User-Agent": "PBX/1"})
    await caller.send(dialog, range(20))
    await caller.bye(dialog)
    await trunk.wait(CallLeft)
    kinds = [type(fact) for _, fact in trunk.facts]
    assert kinds == [CallArrived, MediaStarted, SessionClosed, CallLeft]
    arrived = trunk.all(CallArrived)[0]
    assert (arrived.line, arrived.device, arrived.ani, arrived.dnis) == ("0", "5003", "4711", "5003")
    assert arrived.reference == dialog.call_id
    assert arrived.details["user_agent"] == "PBX/1"
    assert trunk.all(MediaStarted)[0].legs == 1
    measured = trunk.read(arrived.session).measured["leg0"]
    assert measured["packets"] == 20
    assert measured["codec"] == "PCMU/8000"


async def test_the_line_is_free_when_bye_is_answered(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=1)
    for _ in range(3):
        dialog = await caller.call(trunk.port)
        await caller.send(dialog, range(5))
        assert await caller.bye(dialog) == 200
    left = await trunk.wait(CallLeft, 3)
    assert len({fact.session for fact in left}) == 3


async def test_a_real_stack_sends_two_tones_and_holds(trunk: Any, tmp_path: Any) -> None:
    for hz in (440, 1000):
        write_tone(tmp_path / f"{hz}.wav", hz, 6)
    plan = CallPlan(
        number=0,
        uri=f"sip:5003@127.0.0.1:{trunk.port}",
        sounds=(str(tmp_path / "440.wav"), str(tmp_path / "1000.wav")),
        duration_s=3.5,
        hold_after_s=1.2,
        resume_after_s=1.7,
    )
    with SipCaller([plan]) as peer:
        last = await asyncio.to_thread(peer.wait_over, timeout_s=20)
    assert last[0].event == "ended", last
    (left,) = await trunk.wait(CallLeft)
    legs = trunk.legs(left.session)
    for number, hz in enumerate((440, 1000)):
        assert find_tone(legs[number].pcm[:8000], 8000).frequency_hz == pytest.approx(hz, abs=0.5)
        assert find_tone(legs[number].pcm[-8000:], 8000).frequency_hz == pytest.approx(hz, abs=0.5)
    assert abs(len(legs[0].pcm) - len(legs[1].pcm)) <= 320


async def test_eight_calls_over_two_workers(start_trunk: Any) -> None:
    trunk = await start_trunk(calls=8)
    assert trunk.tap.status.workers == 2
    calls = [
        SourceCall(number=n, uri=f"sip:{5000 + n}@127.0.0.1:{trunk.port + 2 * (n % 2)}", streams=2, packets=100)
        for n in range(8)
    ]
    results = await RtpSource(calls).run()
    assert [result.bye_code for result in results] == [200] * 8
    left = await trunk.wait(CallLeft, 8)
    assert {fact.line for fact in left} == {str(n) for n in range(8)}
    for fact in left:
        legs = trunk.legs(fact.session)
        assert [read_coded(legs[leg].pcm, leg).lost(100) for leg in (0, 1)] == [[], []]
        assert len(legs[0].pcm) / 8000 == pytest.approx(2.05, abs=0.1)


async def test_each_worker_begins_somewhere_in_its_rtp_ports(start_trunk: Any, caller: Any) -> None:
    """Whoever sends still to one that was killed shall not hit the first call of the next."""
    trunk = await start_trunk(calls=16)
    places = []
    for worker in range(4):
        dialog = await caller.call(trunk.port + 2 * worker, streams=2)
        places += [dialog.media[0][1] - 31000 - 200 * worker]
        assert await caller.bye(dialog) == 200
    assert all(0 <= place < 200 and place % 2 == 0 for place in places), places
    assert len(set(places)) > 1, places
