from __future__ import annotations

import asyncio
import re

import pytest

from hil.peers.sip_uac import CallRefusedError, Message, Uac, offer_audio


class Server(asyncio.DatagramProtocol):
    """A far end that answers as it is told, and drops the first INVITE."""

    def __init__(self, status: str, body: str = "") -> None:
        self.status = status
        self.body = body
        self.heard: list[Message] = []
        self.acknowledged = asyncio.Event()  # twice
        self.transport: asyncio.DatagramTransport | None = None

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        request = Message(data.decode())
        self.heard.append(request)
        method = request.first.split()[0]
        if self.methods().count("ACK") > 1:
            self.acknowledged.set()
        if method == "ACK" or (method == "INVITE" and self.methods().count("INVITE") == 1):
            return
        status, body = (self.status, self.body) if method == "INVITE" else ("200 OK", "")
        self.send(f"{self.head(request, status)}\r\nContent-Length: {len(body)}\r\n\r\n{body}", addr)

    def head(self, request: Message, status: str) -> str:
        same = "\r\n".join(f"{name}: {request.one(name)}" for name in ("Via", "From", "Call-ID", "CSeq"))
        contact = "Contact: <sip:far@127.0.0.1:9>\r\nRecord-Route: <sip:a;lr>\r\nRecord-Route: <sip:b;lr>"
        return f"SIP/2.0 {status}\r\n{same}\r\nTo: {request.one('To')};tag=far\r\n{contact}"

    def send(self, text: str, addr: tuple[str | int, ...]) -> None:
        assert self.transport is not None
        self.transport.sendto(text.encode(), addr)

    def methods(self) -> list[str]:
        return [m.first.split()[0] for m in self.heard]


async def serve(server: Server) -> tuple[str, int]:
    loop = asyncio.get_running_loop()
    server.transport, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=("127.0.0.1", 0))
    host, port = server.transport.get_extra_info("sockname")
    return host, port


async def test_a_call_is_placed_again_until_heard_then_answered_and_ended() -> None:
    server = Server("200 OK", "c=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 0\r\n")
    address = await serve(server)
    uac = Uac()
    await uac.open()
    dialog = await uac.invite("sip:1@127.0.0.1", address, "me", {"X-Device": "1"}, offer_audio(5000, 2))
    assert dialog.media == (("127.0.0.1", 4000), ("127.0.0.1", 4002))
    assert await uac.bye(dialog) == 200
    assert await uac.bye(dialog) == 0
    assert server.methods() == ["INVITE", "INVITE", "ACK", "BYE"]
    invite, bye = server.heard[1], server.heard[3]
    assert invite.one("X-Device") == "1"
    assert invite.body.count("m=audio 5000") == 2
    assert bye.first == "BYE sip:far@127.0.0.1:9 SIP/2.0"
    assert bye.all("Route") == ["<sip:b;lr>", "<sip:a;lr>"]
    assert re.search("tag=far$", bye.one("To"))
    uac.close()
    assert server.transport is not None
    server.transport.close()


async def test_a_refusal_is_acknowledged_and_raised() -> None:
    server = Server("486 Busy Here")
    uac = Uac()
    await uac.open()
    with pytest.raises(CallRefusedError) as refusal:
        await uac.invite("sip:1@127.0.0.1", await serve(server), "me", {}, offer_audio(5000, 1))
    assert (refusal.value.code, refusal.value.reason) == (486, "Busy Here")
    await asyncio.sleep(0.1)
    assert server.methods() == ["INVITE", "INVITE", "ACK"]
    assert branch(server.heard[2]) == branch(server.heard[1])
    uac.close()
    assert server.transport is not None
    server.transport.close()


async def test_an_answer_that_is_repeated_is_acknowledged_as_the_one_it_is() -> None:
    server = Server("200 OK", "c=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\n")
    address = await serve(server)
    uac = Uac()
    await uac.open()
    dialog = await uac.invite("sip:1@127.0.0.1", address, "me", {}, offer_audio(5000, 1))
    dialog.sequence += 1  # a further request is under way
    server.send(f"{server.head(server.heard[1], '200 OK')}\r\nContent-Length: 0\r\n\r\n", ("127.0.0.1", uac.port))
    async with asyncio.timeout(5):
        await server.acknowledged.wait()
    assert [m.one("CSeq") for m in server.heard if m.first.startswith("ACK")] == ["1 ACK", "1 ACK"]
    uac.close()
    assert server.transport is not None
    server.transport.close()


def branch(message: Message) -> str:
    found = re.search(r"branch=(\w+)", message.one("Via"))
    assert found
    return found.group(1)
