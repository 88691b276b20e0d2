"""TCP straight at a worker: whoever opens connections, and however many, ends no call and keeps no peer out."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from appliance.audio.measure import read_coded
from drivers.contract import CallArrived, CallLeft, CallRefused, ConnectionRefused
from hil.peers.siprec_client import SiprecClient
from tests.wires.sip.metadata import document

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]

PACKETS = 400
MANY = 1000
HELD = 500
STRANGER, CROWD = "127.0.0.2", "127.0.0.3"
ANSWER_S = 4.0  # that a peer waits for a place at most; see docs/sip-pool.md
LONGEST = 4000


def options(number: int, padding: int = 0) -> bytes:
    head = (
        f"OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKtcp{number}\r\n"
        f"From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:x@127.0.0.1>\r\nCall-ID: tcp-{number}\r\nCSeq: 1 OPTIONS\r\n"
    )
    return f"{head}Max-Forwards: 70\r\nContent-Length: {padding}\r\n\r\n{'x' * padding}".encode()


def connect(port: int, host: str = STRANGER) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 5, source_address=(host, 0))


def ask(port: int, octets: bytes, host: str = "127.0.0.1") -> bytes:
    with connect(port, host) as peer:
        peer.sendall(octets)
        return peer.recv(4000)


def open_and_close(port: int, octets: bytes = b"") -> None:
    for _ in range(MANY):
        with connect(port) as peer:
            peer.sendall(octets)


@contextlib.contextmanager
def held(port: int, hosts: list[str], many: int, *, speaking: bool) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        peers = []
        for number in range(many):
            peers.append(stack.enter_context(connect(port, hosts[number % len(hosts)])))
            if speaking:
                with contextlib.suppress(OSError):  # one of too many, and closed already
                    peers[-1].sendall(options(number))
        yield peers


@contextlib.asynccontextmanager
async def two_calls(trunk: Any, caller: Any) -> AsyncIterator[None]:
    """A call over UDP and one over TCP go on meanwhile; both are whole, and no process is lost."""
    pids = trunk.tap.pids()
    over_udp = await caller.call(trunk.port, streams=2)
    async with SiprecClient(trunk.port, caller.socket.getsockname()[1], transport="tcp") as over_tcp:
        await over_tcp.begin(document())
        calls = [over_udp, over_tcp]
        media = [asyncio.create_task(caller.send(call, range(PACKETS))) for call in calls]
        yield
        await asyncio.gather(*media)
        assert await over_tcp.end() == 200
    assert await caller.bye(over_udp) == 200
    await trunk.wait(CallLeft, 2)
    assert (trunk.tap.pids(), trunk.tap.status.restarts) == (pids, 0)
    for call in calls:
        arrived = next(fact for fact in trunk.all(CallArrived) if fact.reference == call.call_id)
        legs = trunk.legs(arrived.session)
        told = [legs[leg].losses for leg in (0, 1)]
        assert [read_coded(legs[leg].pcm, leg).lost(PACKETS) for leg in (0, 1)] == [[], []], told


async def answered(port: int, number: int) -> bytes:
    async with asyncio.timeout(ANSWER_S):
        return (await asyncio.to_thread(ask, port, options(number))).split(b"\r\n")[0]


async def test_a_thousand_that_open_and_close(trunk: Any, caller: Any) -> None:
    async with two_calls(trunk, caller):
        crowd = asyncio.create_task(asyncio.to_thread(open_and_close, trunk.port))
        assert await answered(trunk.port, 1) == b"SIP/2.0 200 OK"
        await crowd
        assert await answered(trunk.port, 2) == b"SIP/2.0 200 OK"


async def test_a_thousand_that_ask_and_close(trunk: Any, caller: Any) -> None:
    async with two_calls(trunk, caller):
        crowd = asyncio.create_task(asyncio.to_thread(open_and_close, trunk.port, options(3)))
        await asyncio.sleep(0.5)
        assert await answered(trunk.port, 4) == b"SIP/2.0 200 OK"
        await crowd
        assert await answered(trunk.port, 5) == b"SIP/2.0 200 OK"


@pytest.mark.parametrize("speaking", [False, True])
async def test_hundreds_that_stay(trunk: Any, caller: Any, speaking: Any) -> None:
    async with two_calls(trunk, caller):
        with held(trunk.port, [STRANGER, CROWD], HELD, speaking=speaking):
            for number in range(5):
                assert await answered(trunk.port, 10 + number) == b"SIP/2.0 200 OK"
                await asyncio.sleep(0.5)
            facts = await trunk.wait(ConnectionRefused)
    assert "of one address" in facts[0].reason
    assert facts[0].peer.startswith((STRANGER, CROWD))
    assert trunk.tap.status.refused_connections >= HELD // 2


async def test_some_that_are_never_quiet(trunk: Any, caller: Any) -> None:
    def never_quiet() -> None:
        with held(trunk.port, [STRANGER, CROWD], 60, speaking=True) as peers:
            for number in range(30):
                for peer in peers:
                    with contextlib.suppress(OSError):  # waited too long for its turn
                        peer.sendall(options(100 + number))
                time.sleep(0.2)

    async with two_calls(trunk, caller):
        crowd = asyncio.create_task(asyncio.to_thread(never_quiet))
        for number in range(3):
            await asyncio.sleep(0.5)
            assert await answered(trunk.port, 200 + number) == b"SIP/2.0 200 OK"
        await crowd


async def test_the_box_hangs_up_on_the_connection_that_the_call_came_by(trunk: Any, caller: Any) -> None:
    async with SiprecClient(trunk.port, caller.socket.getsockname()[1], transport="tcp") as client:
        await client.begin(document())
        (arrived,) = await trunk.wait(CallArrived)
        assert arrived.details["source"].startswith("127.0.0.1:")
        await trunk.tap.hang_up(arrived.line, "enough")
        await asyncio.wait_for(client.ended.wait(), 5)
        await trunk.wait(CallLeft)


async def test_as_long_as_can_be_read(trunk: Any) -> None:
    empty = len(options(20, 1000)) - 1000
    assert (await asyncio.to_thread(ask, trunk.port, options(20, LONGEST - empty))).startswith(b"SIP/2.0 200")
    answer = await asyncio.to_thread(ask, trunk.port, options(21, LONGEST - empty + 1))
    assert answer.startswith(b"SIP/2.0 513")
    assert b"Call-ID: tcp-21" in answer


async def test_a_longer_call_is_refused_and_the_connection_goes_on(trunk: Any, caller: Any) -> None:
    async with SiprecClient(trunk.port, caller.socket.getsockname()[1], transport="tcp") as client:
        with pytest.raises(Exception, match="513"):
            await client.begin(document(padding=30_000))
        (fact,) = await trunk.wait(CallRefused)
        assert fact.code == 513
        await client.begin(document())
        assert await client.end() == 200
    await trunk.wait(CallLeft)


async def test_a_peer_that_says_no_more_gets_its_answer(trunk: Any) -> None:
    def half_closed() -> bytes:
        with connect(trunk.port) as peer:
            peer.sendall(options(30))
            peer.shutdown(socket.SHUT_WR)
            return peer.recv(4000) + peer.recv(4000)

    answer = await asyncio.to_thread(half_closed)
    assert answer.startswith(b"SIP/2.0 200")


async def test_octet_by_octet_and_two_at_once(trunk: Any) -> None:
    def dribble() -> int:
        with connect(trunk.port) as peer:
            for octet in options(40)[:80]:
                peer.send(bytes([octet]))
                time.sleep(0.001)
            peer.sendall(options(40)[80:] + b"\r\n\r\n" + options(41))
            answers = b""
            while answers.count(b"SIP/2.0 200") < 2:
                answers += peer.recv(4000)
            return answers.count(b"Call-ID: tcp-4")

    assert await asyncio.to_thread(dribble) == 2


async def test_strangers_are_not_let_in(start_trunk: Any) -> None:
    trunk = await start_trunk(calls=1, peers=["127.0.0.1"])
    assert (await asyncio.to_thread(ask, trunk.port, options(50))).startswith(b"SIP/2.0 200")
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.to_thread(ask, trunk.port, options(51), STRANGER) == b""
    (fact,) = await trunk.wait(ConnectionRefused)
    assert (fact.peer.partition(":")[0], fact.reason, fact.count) == (STRANGER, "none of the peers", 1)


async def test_idle_connections_are_closed_but_not_those_of_calls(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=1, tcp_idle_s=1)

    def idle() -> bytes:
        with connect(trunk.port) as peer:
            peer.sendall(options(60))
            assert peer.recv(4000).startswith(b"SIP/2.0 200")
            return peer.recv(4000)

    async with SiprecClient(trunk.port, caller.socket.getsockname()[1], transport="tcp") as client:
        await client.begin(document())
        assert await asyncio.to_thread(idle) == b""
        assert await client.end() == 200


async def test_a_killed_worker_listens_again_where_connections_of_the_old_one_end(start_trunk: Any) -> None:
    trunk = await start_trunk(calls=1, host="0.0.0.0")
    (worker,) = trunk.tap.pids()
    with held(trunk.port, [STRANGER], 5, speaking=True) as peers:
        assert [(await asyncio.to_thread(peer.recv, 12)) for peer in peers] == [b"SIP/2.0 200 "] * 5
        os.kill(worker, signal.SIGKILL)
        end_s = time.monotonic() + 10
        while trunk.tap.pids() in ([], [worker]) or not trunk.tap.status.workers_up:
            assert time.monotonic() < end_s, trunk.downs
            await asyncio.sleep(0.05)
        assert await answered(trunk.port, 70) == b"SIP/2.0 200 OK"
