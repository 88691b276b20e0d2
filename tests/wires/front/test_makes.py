"""SIPREC clients of other makes: what they send is taken in full, and the right names, numbers and legs come out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from appliance.audio.measure import read_coded
from drivers.contract import CallArrived, CallLeft
from hil.peers.siprec_client import SiprecClient
from tests.wires.front.conftest import free_ports, front_folder, running
from tests.wires.sip.makes import SHAPES, Shape, association, partial, whole

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]

BASIC = {"device": ["agent-user"], "ani": ["caller-user"], "dnis": ["agent-user"]}
LONG = 30_000


async def begin(client: SiprecClient, shape: Shape, rtp_port: int, padding: int) -> None:
    answer = await client.begin_with(shape.body(rtp_port, padding=padding), shape.kind, shape.headers)
    assert "siprec" in answer.one("Require")
    assert "+sip.srs" in answer.one("Contact")
    assert len(client.media) == len(shape.labels)


@pytest.mark.parametrize(("transport", "padding"), [("udp", 0), ("udp", LONG), ("tcp", LONG), ("tls", LONG)])
async def test_every_make_is_taken_in_full(tmp_path: Path, caller: Any, transport: Any, padding: int) -> None:
    port, rtp_port = free_ports(), caller.socket.getsockname()[1]
    rules = {field: list(wanted) for shape in SHAPES.values() for field, wanted in shape.rules.items()}
    options = {"calls": 4, "port": port, "tls_port": port + 1, "metadata": {**BASIC, **rules}}
    async with running(tmp_path, **options) as trunk:
        for n, shape in enumerate(SHAPES.values(), 1):
            client = SiprecClient(
                port + (transport == "tls"), rtp_port, transport=transport, certificate=front_folder(port) / "own.crt"
            )
            async with client:
                await begin(client, shape, rtp_port, padding)
                if shape.later:
                    assert await client.offer(["sendonly", "sendonly"], metadata=shape.later) == 200
                await caller.send(client, range(15))
                assert await client.end() == 200
            left = (await trunk.wait(CallLeft, n))[-1]
            arrived = trunk.all(CallArrived)[-1]
            fields = {"device": arrived.device, "ani": arrived.ani, "dnis": arrived.dnis, **arrived.fields}
            wanted = {"device": "5003", "ani": "4711", "dnis": "5003", **shape.told}
            assert fields | wanted == fields
            legs = trunk.legs(left.session)
            assert {number: leg.party for number, leg in legs.items()} == {0: "caller", 1: "agent"}
            assert [read_coded(legs[number].pcm, number).lost(15) for number in (0, 1)] == [[], []]
            measured = trunk.read(left.session).measured
            assert tuple(p["name"] for p in measured["siprec"]["participants"]) == shape.names
            assert len(measured["siprec_document0"]["text"]) >= padding


async def test_a_call_as_the_rfc_draws_it(trunk: Any, caller: Any) -> None:
    """Begin, hold by both, resume, an agent who hands over to another, end (RFC 8068)."""
    async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
        await client.begin(whole())
        await caller.send(client, range(20))
        held = partial(association("Pa==", recv="Sb=="), association("Pb==", recv="Sa=="))
        assert await client.offer(["inactive", "inactive"], metadata=held) == 200
        back = partial(
            association("Pa==", send="Sa==", recv="Sb=="),
            association("Pb==", send="Sb==", recv="Sa=="),
        )
        assert await client.offer(["sendonly", "sendonly"], metadata=back) == 200
        await caller.send(client, range(20, 50))
        other = (
            '<participant participant_id="Pc=="><nameID aor="sip:5009@pbx.test"><name>Otto Other</name></nameID>'
            "</participant>"
        )
        handed = [other, association("Pb==", send="Sb==", left=True), association("Pc==", send="Sb==", recv="Sa==")]
        assert await client.tell("UPDATE", partial(*handed)) == 200
        await caller.send(client, range(50, 80))
        assert await client.end() == 200
    (left,) = await trunk.wait(CallLeft)
    legs = trunk.legs(left.session)
    for number in (0, 1):
        found = read_coded(legs[number].pcm, number)
        assert set(found.numbers.tolist()) >= set(range(35, 80))
    measured = trunk.read(left.session).measured
    assert [p["name"] for p in measured["siprec"]["participants"]] == ["Cora Caller", "Abel Agent", "Otto Other"]
    assert measured["siprec"]["documents"] == 4
    assert {p["by"] for p in measured["pauses"]} == {"hold"}
