"""Malformed SIP and RTP by the thousand, straight at a worker: no process is lost, and calls in progress are whole."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterable
from typing import Any

import pytest

from appliance.audio.measure import read_coded
from drivers.contract import CallArrived, CallLeft
from hil.peers.sip_uac import CallRefusedError
from hil.peers.torture import CALLED, malformed_rtcp, malformed_rtp, message, mutations, sdp_cases, sip_cases

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]

PACKETS = 400
MANY = 2000
GAP_S = 0.002  # between two messages: what is tried is their form; floods are tried elsewhere
ANSWERS = {200, 400, 415, 488, 500}
GUARDED = {"unknown_devices": "refuse", "devices": ["50*"], "calls_per_s": 20}


def send(port: int, messages: Iterable[bytes]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
        begun_s = time.monotonic()
        for number, octets in enumerate(messages):
            time.sleep(max(0.0, begun_s + number * GAP_S - time.monotonic()))
            source.sendto(octets, ("127.0.0.1", port))


def send_over_tcp(port: int, messages: Iterable[bytes]) -> None:
    for octets in messages:
        with socket.create_connection(("127.0.0.1", port), 2) as source:
            source.sendall(octets)
            time.sleep(GAP_S)


async def under_fire(trunk: Any, caller: Any, *orders: tuple[Any, ...], rest_s: float = 0.0) -> None:
    """Hold a call of two streams while the orders are carried out; it is whole, and so are all processes.

    ``rest_s`` later another call is taken: a front counts what it lets through in a second.
    """
    pids = trunk.tap.pids()
    dialog = await caller.call(trunk.port, streams=2)
    media = asyncio.create_task(caller.send(dialog, range(PACKETS)))
    targets = {"rtp": dialog.media[0][1], "rtcp": dialog.media[1][1] + 1, "sip": trunk.port}
    fires = [asyncio.to_thread(order, targets[where], messages) for order, where, messages in orders]
    await asyncio.gather(*fires)
    await media
    assert await caller.bye(dialog) == 200
    await trunk.wait(CallLeft)
    arrived = next(fact for fact in trunk.all(CallArrived) if fact.reference == dialog.call_id)
    legs = trunk.legs(arrived.session)
    assert [read_coded(legs[leg].pcm, leg).lost(PACKETS) for leg in (0, 1)] == [[], []]
    assert (trunk.tap.pids(), trunk.tap.status.restarts) == (pids, 0)
    await asyncio.sleep(rest_s)
    again = await caller.call(trunk.port, to="5004")
    assert await caller.bye(again) == 200


async def test_the_torture_is_the_same_for_a_seed() -> None:
    assert list(mutations(1, 50)) == list(mutations(1, 50)) != list(mutations(2, 50))
    assert sum(CALLED.encode() in octets for octets in sip_cases().values()) > 50


async def test_every_case_of_sip(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=2, **GUARDED)
    cases = list(sip_cases().values())
    await under_fire(trunk, caller, (send, "sip", cases * 5), (send_over_tcp, "sip", cases))


async def test_mutations_by_the_thousand(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=2, **GUARDED)
    await under_fire(trunk, caller, (send, "sip", mutations(4475, MANY)))


async def test_media_that_is_none(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=2, **GUARDED)
    fire = [(send, "rtp", malformed_rtp(3550, MANY)), (send, "rtcp", malformed_rtcp(3550, MANY))]
    await under_fire(trunk, caller, *fire)


def answers(port: int, octets: bytes) -> list[int]:
    """Place a call with a message of another's making, and end it if it was taken; gives the codes of its answers."""
    codes: list[int] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
        source.settimeout(0.4)
        source.bind(("127.0.0.1", 0))
        own = b"127.0.0.1:%d" % source.getsockname()[1]
        source.sendto(octets.replace(b"127.0.0.1:9", own), ("127.0.0.1", port))
        try:
            while not codes or codes[-1] < 200:
                answer = source.recv(4000)
                codes.append(int(answer.split(b" ")[1]))
        except TimeoutError:
            return codes
        if codes[-1] == 200:
            lines = [line for line in answer.split(b"\r\n") if line.startswith((b"From", b"To", b"Call-ID"))]
            for number, method in ((1, b"ACK"), (2, b"BYE")):
                via = b"Via: SIP/2.0/UDP %s;branch=z9hG4bKend%d%d" % (own, number, source.getsockname()[1])
                head = [method + b" sip:x@127.0.0.1 SIP/2.0", via, b"Max-Forwards: 70", *lines]
                head += [b"CSeq: %d %s" % (number, method), b"Content-Length: 0", b"", b""]
                source.sendto(b"\r\n".join(head), ("127.0.0.1", port))
            source.settimeout(3)
            while b"2 BYE" not in answer:
                answer = source.recv(4000)
            codes.append(int(answer.split(b" ")[1]))
    return codes


async def test_what_is_taken_for_a_call_is_answered_and_ends(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=2)
    pids = trunk.tap.pids()
    dialog = await caller.call(trunk.port, streams=2)
    media = asyncio.create_task(caller.send(dialog, range(PACKETS)))
    found: dict[str, list[int]] = {}
    for name, sdp in sdp_cases().items():
        octets = message(first="INVITE sip:5003@127.0.0.1 SIP/2.0", body=sdp, number=len(found))
        found[name] = await asyncio.to_thread(answers, trunk.port, octets)
        await asyncio.sleep(0.2)  # until the line is free again
    await media
    assert await caller.bye(dialog) == 200
    assert (trunk.tap.pids(), trunk.tap.status.restarts) == (pids, 0)
    assert {name: codes for name, codes in found.items() if not codes or codes[-1] not in ANSWERS} == {}
    arrived = next(fact for fact in trunk.all(CallArrived) if fact.reference == dialog.call_id)
    assert [read_coded(trunk.legs(arrived.session)[leg].pcm, leg).lost(PACKETS) for leg in (0, 1)] == [[], []]
    assert await caller.bye(await caller.call(trunk.port)) == 200


async def test_calls_that_end_at_once_use_up_no_sockets(start_trunk: Any, caller: Any) -> None:
    """As many as four lines take, with a jitter buffer that is soon empty."""
    trunk = await start_trunk(calls=5, jitter_ms=40)
    held = await caller.call(trunk.port, streams=2)
    end_s = time.monotonic() + 4

    async def call_again_and_again() -> int:
        answered = 0
        while time.monotonic() < end_s:
            try:
                answered += await caller.uac.bye(await caller.call(trunk.port, streams=2)) == 200
            except CallRefusedError:
                await asyncio.sleep(GAP_S)
        return answered

    assert sum(await asyncio.gather(*(call_again_and_again() for _ in range(4)))) > 20
    assert trunk.tap.status.restarts == 0
    assert await caller.bye(held) == 200
