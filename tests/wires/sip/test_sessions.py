from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import pytest

from appliance.audio.measure import read_coded
from drivers.contract import (
    AudioLost,
    CallArrived,
    CallLeft,
    LineFault,
    LineIdleError,
    LineUnknownError,
    LossReason,
    SessionClosed,
    SessionOpened,
)

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]


async def test_a_call_goes_on_into_a_further_session(trunk: Any, caller: Any) -> None:
    dialog = await caller.call(trunk.port)
    media = asyncio.create_task(caller.send(dialog, range(150)))
    await asyncio.sleep(1.2)
    await trunk.tap.stop_line("0")
    first = trunk.all(CallArrived)[0].session
    assert [fact.session for fact in trunk.all(SessionClosed)] == [first]
    assert trunk.read(first).closed is not None
    second = trunk.all(SessionOpened)[0].session
    await media
    await caller.bye(dialog)
    (left,) = await trunk.wait(CallLeft)
    assert left.session == second
    before, after = (trunk.legs(session)[0] for session in (first, second))
    heard = [read_coded(leg.pcm, 0).numbers.tolist() for leg in (before, after)]
    # not a frame is lost at the cut but the one that it goes through
    missing = set(range(150)) - set(heard[0]) - set(heard[1])
    assert len(missing) <= 1
    assert before.started_s + len(before.pcm) / 8000 == pytest.approx(after.started_s, abs=0.05)


async def test_verbs_on_lines_that_are_not_so(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=1)
    with pytest.raises(LineIdleError):
        await trunk.tap.stop_line("0")
    with pytest.raises(LineIdleError):
        await trunk.tap.hang_up("0", "no reason")
    with pytest.raises(LineUnknownError):
        await trunk.tap.stop_line("9")


async def test_hang_up_ends_the_call_with_its_audio(trunk: Any, caller: Any) -> None:
    dialog = await caller.call(trunk.port)
    await caller.send(dialog, range(50))
    await asyncio.sleep(0.02)
    await trunk.tap.hang_up("0", "a supervisor")
    await asyncio.wait_for(dialog.ended.wait(), 5)
    (left,) = await trunk.wait(CallLeft)
    assert left.reason == "a supervisor"
    assert read_coded(trunk.legs(left.session)[0].pcm, 0).lost(50) == []


async def test_the_end_of_the_tap_ends_its_calls_in_good_order(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=1)
    dialog = await caller.call(trunk.port)
    await caller.send(dialog, range(50))
    await trunk.tap.close()
    await asyncio.wait_for(dialog.ended.wait(), 5)
    session = trunk.all(CallArrived)[0].session
    assert trunk.read(session).closed is not None
    assert read_coded(trunk.legs(session)[0].pcm, 0).lost(50) == []


async def test_lost_packets_are_told_with_their_place(trunk: Any, caller: Any) -> None:
    dialog = await caller.call(trunk.port)
    numbers = [-1 if 60 <= n < 65 or n == 90 else n for n in range(150)]
    numbers[120], numbers[121] = numbers[121], numbers[120]  # out of order is not lost
    numbers.insert(130, 130)  # nor is what comes twice
    await caller.send(dialog, numbers)
    await caller.bye(dialog)
    (left,) = await trunk.wait(CallLeft)
    leg = trunk.legs(left.session)[0]
    assert read_coded(leg.pcm, 0).lost(150) == [60, 61, 62, 63, 64, 90]
    assert read_coded(leg.pcm, 0).slips == []
    assert sum(loss.frames for loss in leg.losses) == 6 * 160
    assert sum(fact.frames for fact in trunk.all(AudioLost)) == 6 * 160
    assert {loss.reason for loss in leg.losses} == {LossReason.PACKETS_LOST}
    assert all(0 <= loss.at_frame <= 90 * 160 + 8000 for loss in leg.losses)


async def test_a_call_without_rtp_is_told_and_given_up(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=1, rtp_timeout_s=1, dead_call_s=3)
    dialog = await caller.call(trunk.port)
    faults = await trunk.wait(LineFault)
    assert "no RTP" in faults[0].text
    await asyncio.wait_for(dialog.ended.wait(), 10)
    (left,) = await trunk.wait(CallLeft)
    assert left.reason == "no RTP for 3 s"
    leg = trunk.legs(left.session)[0]
    missed = sum(loss.frames for loss in leg.losses if loss.reason is LossReason.NO_MEDIA)
    assert missed / 8000 == pytest.approx(len(leg.pcm) / 8000, abs=0.4)


async def test_a_killed_worker_leaves_what_was_heard(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=1)
    dialog = await caller.call(trunk.port)
    media = asyncio.create_task(caller.send(dialog, range(100)))
    await asyncio.sleep(1.6)
    pid = trunk.tap.pids()[0]
    os.kill(pid, signal.SIGKILL)
    media.cancel()
    session = trunk.all(CallArrived)[0].session
    await asyncio.sleep(0.5)
    found = read_coded(trunk.legs(session)[0].pcm, 0)
    assert found.lost(int(found.numbers.max())) == []
    assert found.numbers.max() >= 50  # of some 80 sent: the jitter buffer's 10, and what had not left C's buffers
    for _ in range(100):
        if trunk.tap.status.workers_up:
            break
        await asyncio.sleep(0.1)
    again = await caller.call(trunk.port)
    assert await caller.bye(again) == 200
