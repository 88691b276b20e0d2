from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from drivers.contract import CallArrived, CallLeft, CallRefused
from hil.peers.sip_uac import CallRefusedError

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]


async def test_a_call_past_the_limit_gets_486(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=2)
    dialogs = [await caller.call(trunk.port) for _ in range(2)]
    with pytest.raises(CallRefusedError) as refused:
        await caller.call(trunk.port, to="5009")
    assert refused.value.code == 486
    (fact,) = await trunk.wait(CallRefused)
    assert (fact.code, fact.device) == (486, "5009")
    assert trunk.tap.status.refused_calls == 1
    for dialog in dialogs:
        await caller.bye(dialog)
    await caller.bye(await caller.call(trunk.port))
    await trunk.wait(CallLeft, 3)


async def test_the_librarys_own_limit_is_refused_and_told(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=8)
    dialogs = [await caller.call(trunk.port) for _ in range(4)]  # the first worker holds four
    with pytest.raises(CallRefusedError) as refused:
        await caller.call(trunk.port)
    assert refused.value.code == 486
    await trunk.wait(CallRefused)
    for dialog in dialogs:
        await caller.bye(dialog)


async def test_an_unknown_device_gets_404_where_it_is_refused(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=1, unknown_devices="refuse", devices=["50*"])
    with pytest.raises(CallRefusedError) as refused:
        await caller.call(trunk.port, to="6001")
    assert refused.value.code == 404
    (fact,) = await trunk.wait(CallRefused)
    assert (fact.code, fact.device) == (404, "6001")
    await caller.bye(await caller.call(trunk.port, to="6001", headers={"X-Device": "5003"}))
    assert (await trunk.wait(CallArrived))[0].device == "5003"


async def test_a_flood_gets_503(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=4, calls_per_s=2)
    results = await asyncio.gather(*(caller.call(trunk.port) for _ in range(4)), return_exceptions=True)
    codes = sorted(getattr(result, "code", 200) for result in results)
    assert codes == [200, 200, 503, 503]
    for result in results:
        if not isinstance(result, BaseException):
            await caller.bye(result)


async def test_who_is_no_peer_is_turned_away(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=1, peers=["10.0.0.0/8", "127.0.0.1"])
    dialog = await caller.call(trunk.port)
    bye = (
        f"BYE {dialog.contact} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9:PORT;branch=z9hG4bKstranger\r\n"
        f"From: {dialog.local}\r\nTo: {dialog.remote}\r\nCall-ID: {dialog.call_id}\r\nCSeq: 2 BYE\r\n"
        "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )
    for request in (bye, bye.replace("BYE", "OPTIONS"), bye.replace("BYE", "INVITE"), bye.replace("BYE", "MADE-UP")):
        answer = await asyncio.to_thread(_raw, trunk.port, request.encode(), address="127.0.0.9")
        assert answer.startswith(b"SIP/2.0 403 "), request
    ack = bye.replace("BYE", "ACK").encode()
    assert await asyncio.to_thread(_raw, trunk.port, ack, 0.2, address="127.0.0.9") == b""
    await caller.send(dialog, range(5))
    assert not trunk.all(CallLeft)
    assert await caller.bye(dialog) == 200


def _raw(port: int, octets: bytes, wait_s: float = 1.0, *, address: str = "127.0.0.1") -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(wait_s)
        peer.bind((address, 0))
        peer.sendto(octets.replace(b"PORT", str(peer.getsockname()[1]).encode()), ("127.0.0.1", port))
        try:
            return peer.recv(4000)
        except TimeoutError:
            return b""


_HEAD = (
    b"INVITE sip:5003@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:PORT;branch=z9hG4bK%s\r\n"
    b"Max-Forwards: 70\r\nFrom: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:5003@127.0.0.1>\r\n"
    b"Contact: <sip:a@127.0.0.1:PORT>\r\nCall-ID: raw-%s\r\nCSeq: 1 INVITE\r\n"
)
_MALFORMED = {
    "no headers": b"INVITE sip:5003@127.0.0.1 SIP/2.0\r\n\r\n",
    "no call-id": _HEAD.replace(b"Call-ID: raw-%s\r\n", b"X: %s\r\n") % (b"c", b"c") + b"\r\n",
    "broken sdp": _HEAD % (b"s", b"s") + b"Content-Type: application/sdp\r\nContent-Length: 9\r\n\r\nv=0\r\nm=xx",
    "no codec": _HEAD % (b"n", b"n")
    + b"Content-Type: application/sdp\r\nContent-Length: 107\r\n\r\n"
    + b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 18\r\n"
    + b"a=rtpmap:18 G729/8000\r\n",
    "octets": _HEAD.replace(b"sip:a@", b"sip:\xff\xfe\x80@") % (b"o", b"o") + b"X-Device: \xff\xc3\x28\r\n\r\n",
    "a bye of nobody": b"BYE sip:x SIP/2.0\r\n\r\n",
    "long": _HEAD % (b"l", b"l") + b"X-Long: " + b"x" * 6000 + b"\r\n\r\n",
    "noise": bytes(range(256)) * 4,
}


async def test_malformed_requests_harm_nothing(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=4)  # of its own: one of them becomes a call that nobody acknowledges
    pids = trunk.tap.pids()
    for name, octets in _MALFORMED.items():
        answer = await asyncio.to_thread(_raw, trunk.port, octets, 0.3)
        if name == "no codec":
            assert answer.startswith((b"SIP/2.0 488", b"SIP/2.0 100")), answer
    dialog = await caller.call(trunk.port, to="5007")
    await caller.send(dialog, range(10))
    assert await caller.bye(dialog) == 200
    assert trunk.tap.pids() == pids
    assert "5007" in {fact.device for fact in trunk.all(CallArrived)}


_SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


async def test_a_cancel_that_comes_too_late_leaves_the_line_in_order(trunk: Any, caller: Any) -> None:
    def cross() -> list[bytes]:
        """Send INVITE and CANCEL at once, acknowledge the 200 and hang up."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.settimeout(3)
            peer.bind(("127.0.0.1", 0))
            peer.connect(("127.0.0.1", trunk.port))
            mine = str(peer.getsockname()[1]).encode()
            head = (_HEAD % (b"cancel", b"cancel")).replace(b"PORT", mine)
            content = b"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n" % len(_SDP)
            peer.send(head + content + _SDP)
            peer.send(head.replace(b"INVITE", b"CANCEL") + b"Content-Length: 0\r\n\r\n")
            answers: list[bytes] = []
            while not any(b"200 OK" in answer and b"1 INVITE" in answer for answer in answers):
                answers.append(peer.recv(4000))
            to = next(line for line in answers[-1].split(b"\r\n") if line.startswith(b"To:"))
            rest = head.replace(b"To: <sip:5003@127.0.0.1>", to)
            peer.send(rest.replace(b"INVITE", b"ACK").replace(b"bKcancel", b"bKack"))
            bye = rest.replace(b"1 INVITE", b"2 BYE").replace(b"INVITE", b"BYE").replace(b"bKcancel", b"bKbye")
            peer.send(bye + b"Content-Length: 0\r\n\r\n")
            while b"2 BYE" not in answers[-1]:
                answers.append(peer.recv(4000))
            return answers

    answers = await asyncio.to_thread(cross)
    assert answers[-1].startswith(b"SIP/2.0 200"), answers
    (left,) = await trunk.wait(CallLeft)
    assert trunk.read(left.session).closed is not None
    await caller.bye(await caller.call(trunk.port))
    await trunk.wait(CallLeft, 2)


async def test_a_bye_of_somebody_else_ends_nothing(trunk: Any, caller: Any) -> None:
    dialog = await caller.call(trunk.port)
    forged = (_HEAD % (b"forged", b"x")).replace(b"raw-x", dialog.call_id.encode()).replace(b"INVITE", b"BYE")
    answer = await asyncio.to_thread(_raw, trunk.port, forged.replace(b"<sip:5003@127.0.0.1>", b"<sip:x@y>;tag=2"))
    assert answer.startswith(b"SIP/2.0 481")
    assert not trunk.all(CallLeft)
    assert await caller.bye(dialog) == 200
    await trunk.wait(CallLeft)


async def test_a_recording_session_of_siprec_is_taken(trunk: Any, caller: Any) -> None:
    headers = {"Require": "siprec", "X-Device": "5003"}
    dialog = await caller.call(trunk.port, streams=2, headers=headers)
    await caller.send(dialog, range(10))
    await caller.bye(dialog)
    (left,) = await trunk.wait(CallLeft)
    assert set(trunk.legs(left.session)) == {0, 1}


async def test_many_connections_over_tcp_harm_no_call(trunk: Any, caller: Any) -> None:
    pids = trunk.tap.pids()
    dialog = await caller.call(trunk.port)
    peers = []
    for _ in range(90):
        peer = socket.socket()
        peer.setblocking(False)
        peer.connect_ex(("127.0.0.1", trunk.port))
        peers.append(peer)
    await caller.send(dialog, range(25))
    for peer in peers:
        peer.close()
    assert await caller.bye(dialog) == 200
    await trunk.wait(CallLeft)
    assert trunk.tap.pids() == pids
