from __future__ import annotations

import asyncio
import random
import shutil
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from appliance.audio.measure import read_coded
from drivers.contract import CallArrived, CallLeft
from hil.peers.sip_uac import CallRefusedError, offer_audio
from hil.peers.siprec_client import SiprecClient
from tests.wires.front.conftest import running, until
from tests.wires.sip.metadata import document

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]

FLOOD = 4000
FLOOD_S = 2.0


def invite(number: int, body: str, kind: str = "application/sdp", length: int | None = None) -> bytes:
    lines = [
        "INVITE sip:storm@127.0.0.1 SIP/2.0",
        f"Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKstorm{number}",
        "Max-Forwards: 70",
        f"From: <sip:storm@127.0.0.1>;tag={number}",
        "To: <sip:storm@127.0.0.1>",
        "Contact: <sip:storm@127.0.0.1:9>",
        f"Call-ID: storm-{number}",
        "CSeq: 1 INVITE",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body.encode()) if length is None else length}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def flood(port: int, address: str) -> None:
    body = offer_audio(40000, 2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
        source.bind((address, 0))
        begun_s = time.monotonic()
        for number in range(FLOOD):
            time.sleep(max(0.0, begun_s + number * FLOOD_S / FLOOD - time.monotonic()))
            source.sendto(invite(number, body), ("127.0.0.1", port))


PEERS = ["127.0.0.1", "127.0.0.9"]


@pytest.mark.parametrize("address", ["127.0.0.9", "127.0.0.66"], ids=["peer", "stranger"])
async def test_a_flood_costs_a_call_nothing_and_keeps_no_other_out(tmp_path: Path, caller: Any, address: str) -> None:
    async with running(tmp_path, calls=12, peers=PEERS, unknown_devices="refuse", devices=["5003", "5004"]) as trunk:
        dialog = await caller.call(trunk.port, streams=2)
        media = asyncio.create_task(caller.send(dialog, range(150)))
        storm = asyncio.create_task(asyncio.to_thread(flood, trunk.port, address))
        await asyncio.sleep(FLOOD_S / 2)
        other = await caller.call(trunk.port, to="5004")
        await storm
        await media
        assert await caller.bye(other) == 200
        assert await caller.bye(dialog) == 200
        session = next(fact.session for fact in trunk.all(CallArrived) if fact.reference == dialog.call_id)
        await until(lambda: session in {fact.session for fact in trunk.all(CallLeft)})
        legs = trunk.legs(session)
        assert [read_coded(legs[n].pcm, n).lost(150) for n in (0, 1)] == [[], []]
        assert trunk.tap.status.restarts == 0


def storm(seed: int, count: int) -> list[bytes]:
    """Give messages that are wrong in many ways; the same ones for a seed."""
    draw = random.Random(seed)
    whole = invite(
        0, f"--b\r\nContent-Type: application/sdp\r\n\r\n{offer_audio(40000, 2)}\r\n--b--", "multipart/mixed;boundary=b"
    )
    made = []
    for number in range(count):
        octets = bytearray(whole.replace(b"storm-0", b"storm-x%d" % number).replace(b"storm0", b"stormx%d" % number))
        for _ in range(draw.randrange(1, 12)):
            at = draw.randrange(len(octets))
            match draw.randrange(4):
                case 0:
                    octets[at] = draw.randrange(256)
                case 1:
                    del octets[at : at + draw.randrange(40)]
                case 2:
                    octets[at:at] = octets[at : at + 30] * draw.randrange(20)
                case _:
                    octets[at:at] = draw.randbytes(draw.randrange(20))
        made.append(bytes(octets[:60000]))
    kinds = (
        "multipart/mixed",
        "multipart/mixed;boundary=",
        'multipart/mixed;boundary="',
        "application/rs-metadata+xml",
    )
    made += [invite(10_000 + n, "--\r\n\r\n<", kind, n * 1000) for n, kind in enumerate(kinds)]
    return made


@pytest.mark.parametrize("media", ["direct", "rtpengine"])
async def test_malformed_messages_end_neither_front_nor_workers(tmp_path: Path, caller: Any, media: str) -> None:
    if media == "rtpengine" and shutil.which("rtpengine") is None:
        pytest.skip("rtpengine is not installed")
    given = {"unknown_devices": "refuse", "devices": ["9999"], "media": media, "rtpengine_ports": 42000}
    async with running(tmp_path, calls=8, **given) as trunk:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
            for octets in storm(3, 1500):
                source.sendto(octets, ("127.0.0.1", trunk.port))
                await asyncio.sleep(0.001)
        assert trunk.tap.status.restarts == 0
        async with asyncio.timeout(20):
            while True:  # more in a second than the trunk takes, a moment ago
                try:
                    dialog = await caller.call(trunk.port, to="9999")
                    break
                except CallRefusedError:
                    await asyncio.sleep(0.5)
        assert await caller.bye(dialog) == 200


async def test_many_calls_one_after_the_other_leave_no_place_taken(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=8) as trunk:
        port = caller.socket.getsockname()[1]
        for _ in range(15):
            clients = [SiprecClient(trunk.port, port, transport="tcp") for _ in range(8)]
            for client in clients:
                await client.__aenter__()
            await asyncio.gather(*(client.begin(document(padding=5000)) for client in clients))
            assert await asyncio.gather(*(client.end() for client in clients)) == [200] * 8
            for client in clients:
                await client.__aexit__()
        left = await trunk.wait(CallLeft, 120)
        assert len({fact.session for fact in left}) == 120
        assert trunk.tap.status.restarts == 0
