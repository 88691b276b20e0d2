"""Offers that come late, cross, follow each other too fast, or are of more than is recorded."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from appliance.audio.measure import read_coded
from drivers.contract import CallLeft, LineFault
from hil.peers.siprec_client import SiprecClient
from tests.wires.front import conftest as front
from tests.wires.sip.conftest import PACKET_S, Trunk
from tests.wires.sip.makes import sdp
from tests.wires.sip.metadata import document
from tests.wires.sip.sipp_calls import TAIL, Spoken, spoken

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]


SETTLED_S = 0.15  # until an ACK has been read on a busy machine


def check_from(call: Spoken, first: int) -> None:
    """Every packet from the ``first`` one on is there once, in its place, and nothing is told as lost."""
    found = call.coded()
    numbers = found.numbers.tolist()
    assert numbers == list(range(numbers[0], numbers[-1] + 1)), call.story
    assert numbers[0] <= first, call.story
    assert numbers[-1] >= call.sent - TAIL, call.story
    assert found.slips == []
    assert call.left.reason == "the far end hung up"


async def test_late_offers_and_offers_that_cross(trunk: Trunk, tmp_path: Path) -> None:
    """All at once: each call has a line of its own."""
    late, crossed, in_a_row = await asyncio.gather(
        spoken(trunk, tmp_path, "late_offer", first="ACK", after_s=SETTLED_S),
        spoken(trunk, tmp_path, "late_offer_two_codecs", first="ACK", after_s=SETTLED_S),
        spoken(trunk, tmp_path, "offers_in_a_row"),
    )
    for call in (late, crossed, in_a_row):
        check_from(call, 0)
        assert call.measured["leg0"]["codec"] == "PCMU/8000"


async def test_what_comes_before_the_acknowledgement_of_a_late_offer(trunk: Trunk, tmp_path: Path) -> None:
    """The codec is not known before: what is said until then, here for 0.3 s, nobody can hear."""
    check_from(await spoken(trunk, tmp_path, "late_offer"), 25)


async def test_a_late_offer_through_the_front(tmp_path: Path) -> None:
    if shutil.which("kamailio", path="/usr/sbin:/usr/bin") is None:
        pytest.skip("kamailio is not installed")
    async with front.running(tmp_path / "run", calls=4) as trunk:
        check_from(await spoken(trunk, tmp_path, "late_offer", first="ACK", after_s=SETTLED_S), 0)


async def test_an_offer_that_overtakes_an_acknowledgement_waits_for_it(trunk: Any, caller: Any) -> None:
    async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
        client.overtakes = True
        await client.begin(document())
        assert await client.offer(["inactive", "inactive"]) == 200
        assert await client.offer(["sendonly", "sendonly"]) == 200
        await caller.send(client, range(20))
        await asyncio.sleep(PACKET_S)
        assert await client.end() == 200
    (left,) = await trunk.wait(CallLeft)
    legs = trunk.legs(left.session)
    assert [read_coded(legs[leg].pcm, leg).lost(20) for leg in (0, 1)] == [[], []]


async def test_a_third_stream_is_said_and_costs_nothing(trunk: Any, caller: Any) -> None:
    port = caller.socket.getsockname()[1]
    async with SiprecClient(trunk.port, port) as client:
        await client.begin_with(sdp(port, ("1", "2", "3")), "application/sdp")
        assert [port > 0 for _, port in client.media] == [True, True, False]
        client.media = client.media[:2]
        await caller.send(client, range(40))
        await asyncio.sleep(PACKET_S)
        assert await client.offer_with(sdp(port, ("1", "2", "3", "4")).replace("2718 1", "2718 2")) == 200
        client.media = client.media[:2]
        await caller.send(client, range(40, 60))
        await asyncio.sleep(PACKET_S)
        assert await client.end() == 200
    (left,) = await trunk.wait(CallLeft)
    legs = trunk.legs(left.session)
    assert [read_coded(legs[leg].pcm, leg).lost(60) for leg in (0, 1)] == [[], []]
    assert [fact.text for fact in trunk.all(LineFault)] == [
        "3 audio streams are offered at once: 2 are recorded",
        "4 audio streams are offered at once: 2 are recorded",
    ]
    assert trunk.read(left.session).measured["refused_streams"] == 2


@pytest.mark.parametrize(
    ("lines", "headers", "told"),
    [
        ("a=recordpref:on\r\n", {}, True),
        ("a=recordpref:off\r\na=record:off\r\n", {}, True),
        ("", {"Supported": "timer, record-aware"}, True),
        ("a=record:off\r\n", {}, False),
    ],
)
async def test_who_wants_to_know_is_told_that_it_is_recorded(
    trunk: Any,
    caller: Any,
    lines: str,
    headers: dict[str, str],
    told: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    port = caller.socket.getsockname()[1]
    async with SiprecClient(trunk.port, port) as client:
        answer = await client.begin_with(sdp(port, ("1",)) + lines, "application/sdp", headers)
        assert answer.body.count("a=record:on") == told
        await caller.send(client, range(15))
        again = sdp(port, ("1", "2")).replace("2718 1", "2718 2") + lines
        assert await client.offer_with(again) == 200
        await asyncio.sleep(PACKET_S)
        assert await client.end() == 200
    (left,) = await trunk.wait(CallLeft)
    assert read_coded(trunk.legs(left.session)[0].pcm, 0).lost(15) == []
