"""Codecs that change in mid-call."""

from __future__ import annotations

import asyncio
import struct
import time
from typing import Any

import pytest

from appliance.audio.g711 import encode_alaw
from appliance.audio.measure import coded_pcm, read_coded
from drivers.contract import CallLeft
from hil.peers.siprec_client import SiprecClient
from tests.wires.sip.makes import sdp

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]

PACKET_S = 0.02
OUT_S = 0.35  # until the jitter buffer holds nothing more


def alaw_only(rtp_port: int) -> str:
    return sdp(rtp_port, ("1", "2")).replace("RTP/AVP 0 8 101", "RTP/AVP 8").replace("o=SBC 2718 1", "o=SBC 2718 2")


async def send_alaw(caller: Any, client: SiprecClient, first: int, end: int) -> None:
    begun_s = time.monotonic()
    for number in range(first, end):
        await asyncio.sleep(max(0.0, begun_s + (number - first) * PACKET_S - time.monotonic()))
        for leg, target in enumerate(client.media):
            head = struct.pack("!BBHII", 0x80, 8, number, number * 160, 77 + leg)
            caller.socket.sendto(head + encode_alaw(coded_pcm(leg, 1, number)).tobytes(), target)


async def test_from_one_law_to_the_other_and_back(trunk: Any, caller: Any) -> None:
    port = caller.socket.getsockname()[1]
    async with SiprecClient(trunk.port, port) as client:
        await client.begin_with(sdp(port, ("1", "2")), "application/sdp")
        await caller.send(client, range(40))
        await asyncio.sleep(OUT_S)
        assert await client.offer_with(alaw_only(port)) == 200
        await send_alaw(caller, client, 40, 80)
        await asyncio.sleep(OUT_S)
        assert await client.offer_with(sdp(port, ("1", "2")).replace("2718 1", "2718 3")) == 200
        await caller.send(client, range(80, 120))
        assert await client.end() == 200
    (left,) = await trunk.wait(CallLeft)
    legs = trunk.legs(left.session)
    found = [read_coded(legs[leg].pcm, leg) for leg in (0, 1)]
    assert [one.lost(120) for one in found] == [[], []]
    assert [loss for leg in legs.values() for loss in leg.losses if loss.reason == "packets lost"] == []
    places = [dict(zip(one.numbers.tolist(), one.positions.tolist(), strict=True)) for one in found]
    assert max(abs(places[0][number] - places[1][number]) for number in range(120)) <= 176


async def test_what_was_said_right_before_a_change_is_recorded(trunk: Any, caller: Any) -> None:
    """Another codec, a hold and a resume, each while the jitter buffer is full: a new stream is made, none is lost."""
    port = caller.socket.getsockname()[1]
    async with SiprecClient(trunk.port, port) as client:
        await client.begin_with(sdp(port, ("1", "2")), "application/sdp")
        await caller.send(client, range(40))
        await asyncio.sleep(PACKET_S)
        assert await client.offer_with(alaw_only(port)) == 200
        await send_alaw(caller, client, 40, 80)
        held = sdp(port, ("1", "2")).replace("2718 1", "2718 3").replace("a=sendonly", "a=inactive")
        await asyncio.sleep(PACKET_S)
        assert await client.offer_with(held) == 200
        await asyncio.sleep(0.5)
        assert await client.offer_with(sdp(port, ("1", "2")).replace("2718 1", "2718 4")) == 200
        await caller.send(client, range(80, 120))
        await asyncio.sleep(PACKET_S)
        assert await client.end() == 200
    (left,) = await trunk.wait(CallLeft)
    legs = trunk.legs(left.session)
    found = [read_coded(legs[leg].pcm, leg) for leg in (0, 1)]
    assert [one.lost(120) for one in found] == [[], []]
    assert [one.doubled for one in found] == [0, 0]
    assert [loss for leg in legs.values() for loss in leg.losses if loss.reason == "packets lost"] == []
    places = [dict(zip(one.numbers.tolist(), one.positions.tolist(), strict=True)) for one in found]
    apart = [abs(places[0][number] - places[1][number]) for number in range(120)]
    assert max(apart[:25] + apart[40:65] + apart[80:]) <= 176
    assert max(apart) <= 336  # a tick of the bridge may pass while a stream is made anew
    for place in places:  # from one stream to the next time goes on as it did, to two ticks of the bridge
        assert abs(place[40] - place[39] - 160) <= 480, place
        assert abs(place[80] - place[79] - 160 - 4000) <= 1600, place
