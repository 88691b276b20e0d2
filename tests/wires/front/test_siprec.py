from __future__ import annotations

import asyncio
from typing import Any

import pytest

from appliance.audio.measure import read_coded
from drivers.contract import CallArrived, CallLeft
from hil.peers.siprec_client import SiprecClient
from tests.wires.front.conftest import front_folder
from tests.wires.sip.metadata import document

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
@pytest.mark.parametrize("octets", [1_000, 30_000])
async def test_invites_of_any_length_over_any_transport(trunk: Any, caller: Any, transport: Any, octets: int) -> None:
    port = trunk.port + (transport == "tls")
    client = SiprecClient(
        port, caller.socket.getsockname()[1], transport=transport, certificate=front_folder(trunk.port) / "own.crt"
    )
    async with client:
        answer = await client.begin(document(padding=octets))
        assert "siprec" in answer.one("Require")
        assert "+sip.srs" in answer.one("Contact")
        assert len(client.media) == 2
        await caller.send(client, range(25))
        assert await client.end() == 200
    (arrived,) = await trunk.wait(CallArrived)
    assert (arrived.device, arrived.ani, arrived.dnis) == ("5003", "4711", "5003")
    assert arrived.details["source"].startswith(f"{transport}:127.0.0.1:")
    (left,) = await trunk.wait(CallLeft)
    legs = trunk.legs(left.session)
    assert {n: leg.party for n, leg in legs.items()} == {0: "caller", 1: "agent"}
    assert [read_coded(legs[n].pcm, n).lost(25) for n in (0, 1)] == [[], []]
    kept = trunk.read(left.session).measured["siprec_document0"]
    assert kept["text"].rstrip() == document(padding=octets).rstrip()


async def test_metadata_comes_by_invite_update_and_info_and_is_kept(trunk: Any, caller: Any) -> None:
    async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
        await client.begin(document(padding=9_000))
        await caller.send(client, range(10))
        assert await client.offer(["sendonly", "sendonly"], metadata=document(user="a", padding=9_000)) == 200
        assert await client.tell("UPDATE", document(user="b", padding=9_000)) == 200
        assert await client.tell("INFO", document(user="c", padding=9_000)) == 200
        await caller.send(client, range(10, 20))
        assert await client.end() == 200
        assert await client.tell("INFO", document(user="d")) == 481
    (left,) = await trunk.wait(CallLeft)
    measured = trunk.read(left.session).measured
    assert [measured[f"siprec_document{n}"]["by"] for n in range(4)] == ["1 INVITE", "2 INVITE", "3 UPDATE", "4 INFO"]
    assert measured["siprec"]["documents"] == 4
    assert measured["siprec"]["participants"][0]["name"] == "Caller c"


@pytest.mark.parametrize("away", ["inactive", "removed"])
async def test_a_stream_that_goes_and_comes_back_is_in_step(trunk: Any, caller: Any, away: str) -> None:
    async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
        await client.begin(document())
        await caller.send(client, range(50))
        assert await client.offer([away, "sendonly"]) == 200
        await caller.send(client, range(50, 100), slot=1)
        assert await client.offer(["sendonly", "sendonly"]) == 200
        await caller.send(client, range(100, 150))
        assert await client.end() == 200
    (left,) = await trunk.wait(CallLeft)
    legs = trunk.legs(left.session)
    assert abs(len(legs[0].pcm) - len(legs[1].pcm)) <= 320
    paused, whole = (read_coded(legs[n].pcm, n) for n in (0, 1))
    assert not set(range(50, 100)) & set(paused.numbers.tolist())
    begins = [dict(zip(found.numbers.tolist(), found.positions.tolist(), strict=True)) for found in (paused, whole)]
    assert abs(begins[0][140] - begins[1][140]) <= 320


async def test_the_health_of_the_trunk_answers_options(trunk: Any, caller: Any) -> None:
    async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
        answer = await client.options()
        assert answer.code == 200
        assert "siprec" in answer.one("Supported")
        assert "application/rs-metadata+xml" in answer.one("Accept")


async def test_bent_metadata_loses_no_call(trunk: Any, caller: Any) -> None:
    for text in ("<recording><participant", "no xml at all", "<!DOCTYPE x><recording/>", "<x:recording><x:session/>"):
        async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
            await client.begin(text)
            await asyncio.sleep(0.02)
            assert await client.end() == 200
    arrived = await trunk.wait(CallArrived, 4)
    assert {fact.device for fact in arrived} == {"srs"}
    await trunk.wait(CallLeft, 4)


async def test_a_stream_that_comes_back_in_another_place_goes_on_in_its_leg(trunk: Any, caller: Any) -> None:
    async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
        await client.begin(document())
        await caller.send(client, range(50))
        assert await client.offer(["removed", "sendonly"]) == 200
        await caller.send(client, range(50, 100), slot=1)
        assert await client.offer(["removed", "sendonly", "sendonly"], labels=("-", "2", "1")) == 200
        first, second, third = client.media
        client.media = (third, second)
        assert first[1] == 0
        await caller.send(client, range(100, 150))
        assert await client.end() == 200
    (left,) = await trunk.wait(CallLeft)
    legs = trunk.legs(left.session)
    assert {n: leg.party for n, leg in legs.items()} == {0: "caller", 1: "agent"}
    paused, whole = (read_coded(legs[n].pcm, n) for n in (0, 1))
    begins = [dict(zip(found.numbers.tolist(), found.positions.tolist(), strict=True)) for found in (paused, whole)]
    assert abs(begins[0][140] - begins[1][140]) <= 320
    assert set(range(100, 140)) <= set(begins[0])
    assert not set(range(50, 100)) & set(begins[0])
