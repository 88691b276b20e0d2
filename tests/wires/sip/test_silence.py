"""Audio and told silence add up: whatever the far side does, no frame is missing or put in without being told."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import struct
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pytest

from appliance.audio.measure import coded_payload, read_coded
from drivers.contract import AudioLost, CallArrived, CallLeft, LossReason, SessionClosed

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]

PACKET_S = 0.02
FRAME = 160
RATE_HZ = 8000
CLOSE = 2 * FRAME  # how near told and true silence are


class Rtp(NamedTuple):
    """A packet to send at a moment: its sound, its number and time stamp in packets, and its source."""

    at_s: float
    sound: int
    number: int
    stamp: int
    source: int = 77


def steady(first: int, end: int, *, late_s: float = 0.0) -> list[Rtp]:
    """Packets in their time, or all later by so much."""
    return [Rtp(n * PACKET_S + late_s, n, n, n) for n in range(first, end)]


def stalled(count: int, stalls: Iterable[tuple[float, float]]) -> list[Rtp]:
    """Packets of a source that stands still from moments on for so long each, and then sends what it has at once."""
    sent = []
    for packet in steady(0, count):
        at_s = packet.at_s
        for begin_s, length_s in stalls:
            if begin_s <= at_s < begin_s + length_s:
                at_s = begin_s + length_s
        sent.append(packet._replace(at_s=at_s))
    return sent


def drawn(seed: int) -> list[Rtp]:
    """A source with three stalls of 20 to 600 ms, and packets up to 150 ms late in between."""
    draw = random.Random(seed)
    stalls = [(part + draw.uniform(0, 0.6), draw.uniform(0.02, 0.6)) for part in (0.8, 2.4, 4.0)]
    late_from, late_until = sorted((draw.uniform(0.5, 5), draw.uniform(0.5, 5)))
    packets = stalled(290, stalls)
    late = [p.at_s + draw.uniform(0, 0.15) if late_from < p.at_s < late_until else p.at_s for p in packets]
    in_order = np.maximum.accumulate(late)
    return [packet._replace(at_s=float(at_s)) for packet, at_s in zip(packets, in_order, strict=True)]


async def play(caller: Any, dialog: Any, packets: list[Rtp]) -> None:
    begun_s = time.monotonic()
    for packet in packets:
        await asyncio.sleep(max(0.0, begun_s + packet.at_s - time.monotonic()))
        for leg, target in enumerate(dialog.media):
            head = (packet.number & 0xFFFF, packet.stamp * FRAME & 0xFFFFFFFF, packet.source + leg)
            payload = coded_payload(leg, np.array([packet.sound])).tobytes()
            caller.socket.sendto(struct.pack("!BBHII", 0x80, 0, *head) + payload, target)


async def record(trunk: Any, caller: Any, packets: list[Rtp], *, streams: int = 1, then_s: float = 0.0) -> str:
    """Place a call with these packets; gives its session, which is closed when BYE is answered."""
    dialog = await caller.call(trunk.port, streams=streams)
    await play(caller, dialog, packets)
    await asyncio.sleep(then_s)
    assert await caller.bye(dialog) == 200
    return next(str(fact.session) for fact in trunk.all(CallArrived) if fact.reference == dialog.call_id)


class Found(NamedTuple):
    """What stands in a leg: frames of silence among the audio, how far its time moved, and what is told."""

    numbers: list[int]
    silent: int
    moved: int
    told: list[Any]
    slips: list[int]

    def told_as(self, *reasons: LossReason) -> int:
        return sum(loss.frames for loss in self.told if loss.reason in reasons)


def find(trunk: Any, session: str, number: int = 0) -> Found:
    leg = trunk.legs(session)[number]
    coded = read_coded(leg.pcm, number)
    span = int(coded.positions[-1] - coded.positions[0])
    numbers = coded.numbers.tolist()
    silent = span - FRAME * (len(numbers) - 1)
    return Found(numbers, silent, span - FRAME * (numbers[-1] - numbers[0]), leg.losses, coded.slips)


def check_told(found: Found) -> None:
    """What is told as silence in the file is what stands there; some piece begins at most 2 s before it does."""
    assert sum(loss.frames for loss in found.told if loss.in_file) == pytest.approx(found.silent, abs=CLOSE), found
    for slip in found.slips:
        assert any(slip - found.silent - 2 * RATE_HZ <= loss.at_frame <= slip + CLOSE for loss in found.told), found


STALLS = {
    "within the buffer": [(1.0, 0.15)],
    "a little more": [(1.0, 0.32)],
    "more": [(1.0, 0.6)],
    "again and again": [(0.8, 0.32), (1.6, 0.45), (2.6, 0.6)],
}


async def test_late_packets_are_all_recorded_and_the_shift_is_told(trunk: Any, caller: Any) -> None:
    calls = [record(trunk, caller, stalled(190, stalls), streams=2) for stalls in STALLS.values()]
    sessions = dict(zip(STALLS, await asyncio.wait_for(asyncio.gather(*calls), 30), strict=True))
    for name, session in sessions.items():
        for leg in (0, 1):
            found = find(trunk, session, leg)
            assert found.numbers == list(range(190)), name
            check_told(found)
            assert found.moved == found.silent
            shift_s = max(0.0, max(length_s for _, length_s in STALLS[name]) - 0.2)
            assert found.moved / RATE_HZ == pytest.approx(shift_s, abs=0.15 if shift_s else 0.01)
            assert {loss.reason for loss in found.told} <= {LossReason.STALLED, LossReason.NO_MEDIA}
            measured = trunk.read(session).measured[f"leg{leg}"]
            assert measured["concealed_frames"] == measured["inserted_frames"] == found.silent
            assert measured["delay_frames"] == pytest.approx(1600 + found.moved, abs=3 * CLOSE)
    told = {fact.session: 0 for fact in trunk.all(AudioLost)}
    for fact in trunk.all(AudioLost):
        told[fact.session] += fact.frames
    assert told == {s: sum(find(trunk, s, leg).silent for leg in (0, 1)) for s in sessions.values() if s in told}


@pytest.mark.parametrize("first_seed", [1, 5])
async def test_whatever_is_late_adds_up(trunk: Any, caller: Any, first_seed: int) -> None:
    calls = [record(trunk, caller, drawn(seed)) for seed in range(first_seed, first_seed + 4)]
    for session in await asyncio.wait_for(asyncio.gather(*calls), 30):
        found = find(trunk, session)
        assert found.numbers == list(range(290)), found.told
        check_told(found)


async def test_what_no_buffer_holds_is_told_as_lost(trunk: Any, caller: Any) -> None:
    session = await record(trunk, caller, stalled(200, [(1.0, 1.5)]))
    found = find(trunk, session)
    assert found.numbers == sorted(set(found.numbers))
    lost = 200 - len(found.numbers)
    assert lost > 0
    assert found.told_as(LossReason.PACKETS_LOST) == pytest.approx(lost * FRAME, abs=CLOSE)
    assert found.told_as(LossReason.STALLED) == pytest.approx(found.moved, abs=CLOSE)
    check_told(found)


async def test_an_outage_is_lost_and_moves_nothing(trunk: Any, caller: Any) -> None:
    session = await record(trunk, caller, steady(0, 50) + steady(80, 150))
    found = find(trunk, session)
    assert found.moved == 0
    assert found.told_as(LossReason.PACKETS_LOST) == 30 * FRAME
    check_told(found)


async def test_the_seconds_in_which_something_was_amiss_stand_among_the_facts(trunk: Any, caller: Any) -> None:
    session = await record(trunk, caller, steady(0, 50) + steady(80, 150))
    late = await record(trunk, caller, stalled(200, [(1.0, 1.5)]))
    measured = trunk.read(session).measured
    seconds = {name: facts for name, facts in measured.items() if name.startswith("leg0_second")}
    assert sum(facts["lost"] for facts in seconds.values()) == measured["leg0"]["lost"] == 30
    assert sum(facts["concealed_frames"] for facts in seconds.values()) == pytest.approx(30 * FRAME, abs=CLOSE)
    assert 1 <= len(seconds) <= 3
    assert {int(name.removeprefix("leg0_second")) for name in seconds} <= {1, 2, 3}
    measured = trunk.read(late).measured
    too_late = [facts["late_frames"] for name, facts in measured.items() if name.startswith("leg0_second")]
    assert sum(too_late) == measured["leg0"]["discarded_frames"] > 0


async def test_an_outage_that_is_told_while_it_lasts_is_told_once(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=2, rtp_timeout_s=1)
    lost = steady(0, 50) + steady(200, 260) + stalled(400, [(6.0, 0.5)])[260:]
    paused = steady(0, 50) + [Rtp((n + 150) * PACKET_S, n, n, n + 150) for n in range(50, 120)]
    calls = [record(trunk, caller, packets) for packets in (lost, paused)]
    outage, pause = [find(trunk, session) for session in await asyncio.wait_for(asyncio.gather(*calls), 30)]
    for found in (outage, pause):
        assert found.told_as(LossReason.NO_MEDIA) >= RATE_HZ
        check_told(found)
    assert outage.told_as(LossReason.STALLED) == pytest.approx(outage.moved, abs=CLOSE)
    assert outage.moved > 0


@pytest.mark.parametrize("pause", [5, 25])
async def test_a_pause_of_the_far_side_is_told_and_keeps_its_length(trunk: Any, caller: Any, pause: int) -> None:
    after = [Rtp((n + pause) * PACKET_S, n, n, n + pause) for n in range(60, 120)]
    found = find(trunk, await record(trunk, caller, steady(0, 60) + after))
    assert found.numbers == list(range(120))
    assert found.told_as(LossReason.NO_MEDIA) == found.silent == pytest.approx(pause * FRAME, abs=CLOSE)
    check_told(found)


async def test_numbers_that_begin_anew_cost_what_waited_and_it_is_told(trunk: Any, caller: Any) -> None:
    after = [Rtp(n * PACKET_S, n, n + 30_000, n + 9_000_000, 99) for n in range(60, 120)]
    found = find(trunk, await record(trunk, caller, steady(0, 60) + after))
    lost = 120 - len(found.numbers)
    assert lost > 0
    # lost packets, but where a look falls between the new numbers and their silence: the word may be another then
    assert sum(loss.frames for loss in found.told) == pytest.approx(lost * FRAME, abs=CLOSE)
    check_told(found)


async def test_a_source_that_ends_before_its_call_is_no_loss(trunk: Any, caller: Any) -> None:
    found = find(trunk, await record(trunk, caller, steady(0, 50), then_s=0.6))
    assert found.numbers == list(range(50))
    assert found.told == []


async def test_packets_that_wait_for_more_in_vain_are_told(trunk: Any, caller: Any) -> None:
    session = await record(trunk, caller, steady(0, 50) + steady(50, 55, late_s=0.8))
    found = find(trunk, session)
    assert found.numbers == list(range(50))
    assert found.told_as(LossReason.PACKETS_LOST) == 5 * FRAME
    assert all(loss.in_file for loss in found.told)


async def test_the_end_of_the_tap_cuts_media_clean(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=1)
    dialog = await caller.call(trunk.port, streams=2)
    media = asyncio.create_task(play(caller, dialog, steady(0, 300)))
    await asyncio.sleep(1.5)
    await trunk.tap.close()
    media.cancel()
    (closed,) = trunk.all(SessionClosed)
    for leg in (0, 1):
        found = find(trunk, closed.session, leg)
        assert found.numbers == list(range(len(found.numbers)))
        assert len(found.numbers) >= 65
        assert (found.silent, found.told) == (0, [])


@pytest.mark.parametrize(("freeze_s", "lost"), [(0.35, False), (2.0, True)])
async def test_a_worker_that_stood_still_tells_what_it_cost(
    start_trunk: Any,
    caller: Any,
    freeze_s: float,
    lost: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    trunk = await start_trunk(calls=1)
    dialog = await caller.call(trunk.port, streams=2)
    media = asyncio.create_task(play(caller, dialog, steady(0, 220)))
    await asyncio.sleep(1.5)
    os.kill(trunk.tap.pids()[0], signal.SIGSTOP)
    await asyncio.sleep(freeze_s)
    os.kill(trunk.tap.pids()[0], signal.SIGCONT)
    await media
    await caller.bye(dialog)
    (left,) = await trunk.wait(CallLeft)
    for leg in (0, 1):
        found = find(trunk, left.session, leg)
        assert (len(found.numbers) < 220) == lost
        filled = sum(loss.frames for loss in found.told if not loss.in_file)
        assert bool(filled) == lost
        # with the silence that the writer puts in, time is true but for what is told as having moved it
        moved = found.told_as(LossReason.STALLED, LossReason.NO_MEDIA)
        assert found.moved + filled == pytest.approx(moved, abs=2 * CLOSE)
        assert sum(loss.frames for loss in found.told) == pytest.approx(found.silent + filled, abs=CLOSE)
