"""A trunk that stores 16 kHz: what is in the band is in the file, and every count of frames is of that rate."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import pytest_asyncio

from appliance.audio import g722
from appliance.audio.g711 import encode_alaw
from appliance.audio.measure import (
    check_continuity,
    coded_payload,
    coded_pcm,
    find_tone,
    level_dbfs,
    make_tone,
    read_coded,
)
from drivers.contract import AudioLost, CallArrived, CallLeft, LossReason
from hil.peers.sip_uac import offer_audio
from hil.peers.siprec_client import SiprecClient
from tests.wires.sip.conftest import Trunk, running

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]

PACKET_S = 0.02
WIDE_HZ, WIDE_FRAME = 16000, 320
OUT_S = 0.35  # until the jitter buffer holds nothing more
HIGH_HZ = (5513.0, 6217.0)  # no whole number of periods in 20 ms
LEVEL_DBFS = -16.0
TYPES = {"PCMU": 0, "PCMA": 8, "G722": 9}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_wide_trunk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Trunk]:
    async with running(tmp_path_factory.mktemp("wide"), calls=4, rate_hz=WIDE_HZ) as trunk:
        yield trunk


@pytest_asyncio.fixture(loop_scope="module")
async def wide(shared_wide_trunk: Trunk) -> Trunk:
    """One worker with four lines that stores 16 kHz, all free, that told nothing yet."""
    return await shared_wide_trunk.forget()


def tones(count: int) -> list[npt.NDArray[np.uint8]]:
    """Packets of G.722 with a high tone, one list a leg."""
    return [g722.encode(make_tone(hz, WIDE_HZ, count * WIDE_FRAME, LEVEL_DBFS)) for hz in HIGH_HZ]


def numbered(codec: str, first: int, end: int) -> list[npt.NDArray[np.uint8]]:
    """Packets that carry their number, one list a leg."""
    legs = [coded_pcm(leg, end - first, first) for leg in (0, 1)]
    match codec:
        case "G722":
            return [g722.encode(np.repeat(pcm, 2)) for pcm in legs]
        case "PCMA":
            return [encode_alaw(pcm).reshape(-1, 160) for pcm in legs]
    return [coded_payload(leg, np.arange(first, end)) for leg in (0, 1)]


async def send(caller: Any, media: Any, codec: str, payloads: list[npt.NDArray[np.uint8]], first: int = 0) -> None:
    """Send packets in their time; their numbers go on from ``first``."""
    begun_s = time.monotonic()
    for turn in range(len(payloads[0])):
        await asyncio.sleep(max(0.0, begun_s + turn * PACKET_S - time.monotonic()))
        number = first + turn
        for leg, target in enumerate(media):
            head = struct.pack("!BBHII", 0x80, TYPES[codec], number, number * 160, 77 + leg)
            caller.socket.sendto(head + payloads[leg][turn].tobytes(), target)


async def call(trunk: Trunk, caller: Any, codec: str, payloads: list[npt.NDArray[np.uint8]]) -> str:
    """Record a call of two streams; gives its session."""
    port = trunk.port
    offer = offer_audio(caller.socket.getsockname()[1], 2, codec=codec)
    dialog = await caller.uac.invite(f"sip:5003@127.0.0.1:{port}", ("127.0.0.1", port), "4711", {}, offer)
    await send(caller, dialog.media, codec, payloads)
    assert await caller.bye(dialog) == 200
    await trunk.wait(CallLeft)
    return next(str(fact.session) for fact in trunk.all(CallArrived) if fact.reference == dialog.call_id)


async def test_what_g722_carries_above_4_khz_is_in_the_file(wide: Trunk, caller: Any) -> None:
    session = await call(wide, caller, "G722", tones(150))
    for number, leg in wide.legs(session).items():
        found = check_continuity(leg.pcm, WIDE_HZ)
        assert found.tone.frequency_hz == pytest.approx(HIGH_HZ[number], abs=0.1)
        assert found.tone.level_dbfs == pytest.approx(LEVEL_DBFS, abs=0.2)
        assert found.tone.frames == pytest.approx(150 * WIDE_FRAME, abs=30)
        assert found.unbroken, found.breaks
        assert leg.losses == []
    reader = wide.read(session)
    assert {view.record.rate_hz for view in reader.legs.values()} == {WIDE_HZ}
    assert {reader.measured[f"leg{n}"]["codec"] for n in (0, 1)} == {"G722/16000"}


async def test_a_trunk_that_stores_8_khz_has_only_what_is_below_4_khz(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=1, codecs=("G722",))
    pcm = [make_tone(hz, WIDE_HZ, 100 * WIDE_FRAME, LEVEL_DBFS) for hz in (4412.0, 1013.0)]
    legs = trunk.legs(await call(trunk, caller, "G722", [g722.encode(one) for one in pcm]))
    assert level_dbfs(legs[0].pcm) < LEVEL_DBFS - 40  # it is not there as 3588 Hz either
    found = check_continuity(legs[1].pcm, 8000)
    assert found.tone.frequency_hz == pytest.approx(1013.0, abs=0.1)
    assert found.tone.level_dbfs == pytest.approx(LEVEL_DBFS, abs=0.3)
    assert found.tone.frames == pytest.approx(100 * 160, abs=60)
    assert found.unbroken, found.breaks
    assert legs[1].losses == []


async def test_a_loud_word_in_g722_leaves_the_level_of_the_next_one(wide: Trunk, caller: Any) -> None:
    words = [make_tone(1013.0, WIDE_HZ, 50 * WIDE_FRAME, level) for level in (-30.0, -0.5, -30.0)]
    payloads = g722.encode(np.concatenate(words))
    session = await call(wide, caller, "G722", [payloads, payloads])
    for leg in wide.legs(session).values():
        begin = find_tone(leg.pcm, WIDE_HZ).begin_frame
        places = [begin + round((word + 0.5) * 50 * WIDE_FRAME) for word in range(3)]
        levels = [level_dbfs(leg.pcm[at : at + 10 * WIDE_FRAME]) for at in places]
        assert levels == pytest.approx([-30.0, -0.5, -30.0], abs=0.5)


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "G722"])
async def test_no_packet_is_lost_and_the_legs_are_in_step(wide: Trunk, caller: Any, codec: str) -> None:
    session = await call(wide, caller, codec, numbered(codec, 0, 100))
    legs = wide.legs(session)
    found = [read_coded(legs[number].pcm, number, WIDE_HZ) for number in (0, 1)]
    for one in found:
        assert one.lost(100) == []
        assert (one.doubled, one.slips) == (0, [])
    assert abs(int(found[0].positions[0] - found[1].positions[0])) <= 1.1 * WIDE_FRAME
    assert [leg.losses for leg in legs.values()] == [[], []]


async def test_g711_is_brought_to_16_khz_at_its_level(wide: Trunk, caller: Any) -> None:
    pcm = [make_tone(hz, 8000, 100 * 160, LEVEL_DBFS) for hz in (1013.0, 2950.0)]
    session = await call(wide, caller, "PCMA", [encode_alaw(one).reshape(-1, 160) for one in pcm])
    for number, leg in wide.legs(session).items():
        tone = find_tone(leg.pcm, WIDE_HZ)
        assert tone.frequency_hz == pytest.approx((1013.0, 2950.0)[number], abs=0.1)
        assert tone.level_dbfs == pytest.approx(LEVEL_DBFS, abs=0.5)
        assert tone.frames == pytest.approx(100 * WIDE_FRAME, abs=60)


def offer(port: int, version: int, codec: str) -> str:
    """Offer one codec for both streams."""
    return offer_audio(port, 2, codec=codec).replace("o=source 1 1", f"o=source 1 {version}")


async def test_a_call_that_changes_its_codec_is_one_recording_in_true_time(wide: Trunk, caller: Any) -> None:
    port, begins = caller.socket.getsockname()[1], []
    async with SiprecClient(wide.port, port) as client:
        await client.begin_with(offer(port, 1, "PCMU"), "application/sdp")
        for version, codec in enumerate(["PCMU", "G722", "PCMA"], start=1):
            if version > 1:
                assert await client.offer_with(offer(port, version, codec)) == 200
            first = (version - 1) * 40
            begins.append(time.monotonic())
            await send(caller, client.media, codec, numbered(codec, first, first + 40), first)
            await asyncio.sleep(OUT_S)
        assert await client.end() == 200
    (left,) = await wide.wait(CallLeft)
    legs = wide.legs(left.session)
    found = [read_coded(legs[leg].pcm, leg, WIDE_HZ) for leg in (0, 1)]
    assert [one.lost(120) for one in found] == [[], []]
    assert [loss for leg in legs.values() for loss in leg.losses if loss.reason == "packets lost"] == []
    for number, one in enumerate(found):
        places = dict(zip(one.numbers.tolist(), one.positions.tolist(), strict=True))
        for stretch, begin_s in enumerate(begins):
            true_frame = (begin_s - legs[number].started_s) * WIDE_HZ
            assert places[40 * stretch] == pytest.approx(true_frame, abs=0.06 * WIDE_HZ)
    apart = found[0].positions - found[1].positions
    assert np.abs(apart).max() <= 0.022 * WIDE_HZ
    assert wide.read(left.session).measured["leg0"]["codec"] == "PCMA/8000"


async def test_a_change_of_the_codec_in_mid_word_costs_what_the_filter_holds_and_it_is_told(
    wide: Trunk, caller: Any
) -> None:
    port, order = caller.socket.getsockname()[1], ["PCMU", "G722", "PCMA"]
    payloads = {codec: numbered(codec, 40 * n, 40 * (n + 1)) for n, codec in enumerate(order)}
    async with SiprecClient(wide.port, port) as client:
        await client.begin_with(offer(port, 1, "PCMU"), "application/sdp")
        for n, codec in enumerate(order):
            if n:
                assert await client.offer_with(offer(port, n + 1, codec)) == 200
            await send(caller, client.media, codec, payloads[codec], 40 * n)
            await asyncio.sleep(PACKET_S)
        assert await client.end() == 200
    (left,) = await wide.wait(CallLeft)
    for number, leg in wide.legs(left.session).items():
        found = read_coded(leg.pcm, number, WIDE_HZ)
        lost = found.lost(120)
        assert len(lost) <= 1, lost  # that of the cut from PCMU: the filter has its end, and G722 needs none
        assert set(lost) <= set(range(20, 40)), lost
        assert found.doubled == 0
        told = sum(loss.frames for loss in leg.losses if loss.reason is LossReason.PACKETS_LOST)
        assert told == 0.004 * WIDE_HZ, leg.losses
        places = dict(zip(found.numbers.tolist(), found.positions.tolist(), strict=True))
        for last in (39, 79):  # time goes on as it did, to two turns of the bridge
            if {last, last + 1} <= places.keys():
                assert abs(places[last + 1] - places[last] - WIDE_FRAME) <= 3 * WIDE_FRAME


async def place(trunk: Trunk, caller: Any, turns: list[tuple[float, int]]) -> str:
    """Record a call of one stream, G.711, whose packets are sent at these moments; gives its session."""
    dialog = await caller.call(trunk.port)
    begun_s = time.monotonic()
    for at_s, number in turns:
        await asyncio.sleep(max(0.0, begun_s + at_s - time.monotonic()))
        payload = coded_payload(0, np.array([number])).tobytes()
        caller.socket.sendto(struct.pack("!BBHII", 0x80, 0, number, number * 160, 77) + payload, dialog.media[0])
    assert await caller.bye(dialog) == 200
    return next(str(fact.session) for fact in trunk.all(CallArrived) if fact.reference == dialog.call_id)


async def test_losses_and_stalls_are_told_in_frames_of_the_file(wide: Trunk, caller: Any) -> None:
    outage = [(n * PACKET_S, n) for n in range(150) if not 50 <= n < 80]
    stall = [(1.6 if 1.0 <= n * PACKET_S < 1.6 else n * PACKET_S, n) for n in range(150)]
    sessions = await asyncio.gather(place(wide, caller, outage), place(wide, caller, stall))
    (lost,), (late,) = [wide.legs(session)[0].losses for session in sessions]
    assert (lost.reason, lost.frames, lost.in_file) == (LossReason.PACKETS_LOST, 30 * WIDE_FRAME, True)
    found = read_coded(wide.legs(sessions[1])[0].pcm, 0, WIDE_HZ)
    assert found.lost(150) == []
    moved = int(found.positions[-1] - found.positions[0]) - 149 * WIDE_FRAME
    assert late.reason == LossReason.STALLED
    assert late.frames == pytest.approx(moved, abs=2 * WIDE_FRAME)
    assert moved == pytest.approx(0.4 * WIDE_HZ, abs=0.15 * WIDE_HZ)
    assert abs(found.slips[0] - late.at_frame) <= 2 * WIDE_HZ
    measured = [wide.read(session).measured["leg0"] for session in sessions]
    assert measured[0]["concealed_frames"] == 30 * WIDE_FRAME
    assert measured[1]["inserted_frames"] == late.frames
    assert measured[1]["delay_frames"] == pytest.approx(10 * WIDE_FRAME + moved, abs=6 * WIDE_FRAME)
    told = {fact.session: fact.frames for fact in wide.all(AudioLost)}
    assert told == {sessions[0]: lost.frames, sessions[1]: late.frames}


async def test_what_never_leaves_the_buffer_is_told_in_frames_of_the_file(wide: Trunk, caller: Any) -> None:
    session = await place(wide, caller, [(n * PACKET_S + (0.8 if n >= 50 else 0), n) for n in range(55)])
    losses = wide.legs(session)[0].losses
    assert sum(loss.frames for loss in losses if loss.reason is LossReason.PACKETS_LOST) == 5 * WIDE_FRAME


async def test_a_line_that_is_stopped_goes_on_without_a_gap(wide: Trunk, caller: Any) -> None:
    dialog = await caller.call(wide.port)
    media = asyncio.create_task(caller.send(dialog, range(150)))
    (arrived,) = await wide.wait(CallArrived)
    await asyncio.sleep(1.5)
    await wide.tap.stop_line(arrived.line)
    await media
    assert await caller.bye(dialog) == 200
    (left,) = await wide.wait(CallLeft)
    numbers = [read_coded(wide.legs(s)[0].pcm, 0, WIDE_HZ).numbers.tolist() for s in (arrived.session, left.session)]
    assert numbers[0][0] == 0
    assert numbers[1][-1] == 149
    assert numbers[1][0] - numbers[0][-1] <= 3  # the packet of the cut is in two halves, and its neighbour may be
