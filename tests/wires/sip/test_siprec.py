"""SIPREC without a front: as much as fits into the 4000 octets that the library reads."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import pytest

from appliance.audio.measure import read_coded
from drivers.contract import CallArrived, CallChanged, CallLeft, SessionOpened
from hil.peers.sip_uac import offer_audio
from hil.peers.siprec_client import SiprecClient
from tests.wires.sip.metadata import document

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]


async def test_fields_and_legs_come_from_the_metadata(start_trunk: Any, caller: Any) -> None:
    mapping = {"device": ["agent-user"], "ani": ["caller-user"], "user1": ["element:ucid"], "user2": ["agent-name"]}
    trunk = await start_trunk(calls=1, agents=["50*"], metadata=mapping)
    async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
        await client.begin(document(caller="2", agent="1"))
        await caller.send(client, range(25))
        assert await client.end() == 200
    (arrived,) = await trunk.wait(CallArrived)
    assert (arrived.device, arrived.ani, arrived.fields) == ("5003", "4711", {"user1": "00042", "user2": "Agent"})
    (left,) = await trunk.wait(CallLeft)
    legs = trunk.legs(left.session)
    assert {n: leg.party for n, leg in legs.items()} == {0: "agent", 1: "caller"}
    assert read_coded(legs[1].pcm, 1).lost(25) == []


async def test_a_client_of_siprec_is_answered_as_by_a_recorder(trunk: Any, caller: Any) -> None:
    async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
        answer = await client.begin(document())
        assert answer.all("Require") == ["siprec"]
        assert "siprec" in answer.one("Supported", "k")
        assert ";+sip.srs" in answer.one("Contact", "m")
        assert await client.end() == 200
    async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as plain:
        answer = await plain.begin_with(offer_audio(9, 1), "application/sdp", {"Require": "timer"})
        assert "siprec" not in answer.one("Require")
        assert await plain.end() == 200


async def test_metadata_in_mid_call_goes_into_the_session_of_the_moment(trunk: Any, caller: Any) -> None:
    async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
        await client.begin(document())
        assert await client.tell("INFO", document("one")) == 200
        (arrived,) = await trunk.wait(CallArrived)
        await trunk.tap.stop_line(arrived.line)
        await trunk.wait(SessionOpened)
        assert await client.tell("UPDATE", document("two")) == 200
        assert await client.offer(["sendonly", "sendonly"], metadata=document("three")) == 200
        assert await client.end() == 200
        assert await client.tell("INFO", document("four")) == 481
    (left,) = await trunk.wait(CallLeft)
    first, second = (trunk.read(session).measured for session in (arrived.session, left.session))
    assert first["siprec"]["documents"] == 2
    assert first["siprec"]["participants"][0]["name"] == "Caller one"
    assert second["siprec"]["documents"] == 4
    assert second["siprec_document0"]["by"] == "1 INVITE"
    assert second["siprec_document3"]["text"].strip() == document("three").strip()


async def test_metadata_that_comes_after_the_call_began(trunk: Any, caller: Any) -> None:
    async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
        await client.begin("")
        assert await client.tell("UPDATE", document("late")) == 200
        assert await client.end() == 200
    (left,) = await trunk.wait(CallLeft)
    measured = trunk.read(left.session).measured
    assert measured["siprec_document0"]["by"] == "2 UPDATE"
    assert measured["siprec"]["participants"][0]["name"] == "Caller late"


async def test_the_documents_outlive_a_killed_worker(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=1)
    async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
        await client.begin(document())
        assert await client.tell("INFO", document("one")) == 200
        (arrived,) = await trunk.wait(CallArrived)
        os.kill(trunk.tap.pids()[0], signal.SIGKILL)
        await asyncio.sleep(0.2)
    measured = trunk.read(arrived.session).measured
    assert [measured[f"siprec_document{n}"]["by"] for n in (0, 1)] == ["1 INVITE", "2 INFO"]
    assert measured["siprec_document1"]["text"].strip() == document("one").strip()


async def test_fields_that_a_document_changes_are_told(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=1, metadata={"ani": ["caller-user"], "user1": ["caller-name"]})
    async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
        await client.begin(document())
        assert await client.tell("UPDATE", document("one")) == 200
        assert await client.tell("INFO", document("one")) == 200
        assert await client.end() == 200
    (changed,) = await trunk.wait(CallChanged)
    assert changed.fields == {"user1": "Caller one"}
