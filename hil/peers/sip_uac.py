"""A minimal SIP client over UDP for load: INVITE, ACK, BYE and answers to what the far end asks (RFC 3261).

It is no SIP stack (``sip_caller`` is one): no authentication, no forking, no TCP. One socket carries all calls.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
import secrets
from typing import final

from hil.peers.siprec_offer import CONTENT_TYPE, siprec_offer

Address = tuple[str, int]
RETRANSMIT_S = 0.5
ANSWER_WAIT_S = 10.0
BYE_WAIT_S = 4.0
RING_WAIT_S = 60.0
_OK = 200
PAYLOAD_TYPES = {"PCMU": 0, "PCMA": 8, "G722": 9}  # their clock is of 8 kHz, that of G722 too (RFC 3551)


@final
class CallRefusedError(Exception):
    """The far end refused the call, or (408) never answered."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


@final
@dataclasses.dataclass(slots=True)
class Dialog:
    """One call as SIP sees it. ``media`` are the far end's RTP addresses, one an audio stream; port 0 is refused."""

    call_id: str
    proxy: Address
    uri: str
    local: str
    offer: str
    headers: dict[str, str]
    remote: str = ""
    contact: str = ""
    routes: tuple[str, ...] = ()
    sequence: int = 1
    branch: str = ""
    media: tuple[Address, ...] = ()
    answer: str = ""  # SDP
    ended: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    responses: asyncio.Queue[Message] = dataclasses.field(default_factory=asyncio.Queue)


@final
class Message:
    """A SIP message, taken apart as far as we need it."""

    def __init__(self, text: str) -> None:
        head, _, self.body = text.partition("\r\n\r\n")
        self.first, *self._lines = head.split("\r\n")

    @property
    def code(self) -> int:
        """Status code, 0 for a request."""
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0") else 0

    @property
    def reason(self) -> str:
        """Reason phrase of a response."""
        return self.first.split(" ", 2)[2] if self.first.count(" ") > 1 else ""

    def all(self, *names: str) -> list[str]:
        """Values of every header of one of the names, in order."""
        lower = {name.lower() for name in names}
        pairs = (line.partition(":") for line in self._lines)
        return [value.strip() for name, _, value in pairs if name.strip().lower() in lower]

    def one(self, *names: str) -> str:
        """Value of the first header of one of the names, or nothing."""
        return next(iter(self.all(*names)), "")


@final
class Uac(asyncio.DatagramProtocol):
    """The client's socket and its calls. Lives on one event loop."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None
        self._dialogs: dict[str, Dialog] = {}
        self.port = 0

    async def open(self) -> None:
        """Bind a free port of the loopback."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port = int(self._transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()

    async def invite(
        self, uri: str, proxy: Address, user: str, headers: dict[str, str], offer: str, *, agent: str = ""
    ) -> Dialog:
        """Place a call and wait until it is answered; with ``agent`` by SIPREC. Raises CallRefusedError."""
        call_id = f"{secrets.token_hex(8)}@127.0.0.1"
        local = f"<sip:{user}@127.0.0.1:{self.port}>;tag={secrets.token_hex(4)}"
        dialog = Dialog(call_id, proxy, uri, local, offer, headers, remote=f"<{uri}>")
        self._dialogs[call_id] = dialog
        if agent:
            dialog.headers = {**headers, "Require": "siprec", "Content-Type": CONTENT_TYPE}
        answer = await self._transact(dialog, "INVITE", siprec_offer(offer, user, agent) if agent else offer)
        if answer.code >= 300:
            del self._dialogs[call_id]
            self._send(dialog, "ACK", branch=dialog.branch, remote=answer.one("To", "t"))
            raise CallRefusedError(answer.code, answer.reason)
        dialog.remote = answer.one("To", "t")
        dialog.contact = _uri_of(answer.one("Contact", "m")) or uri
        dialog.routes = tuple(reversed(answer.all("Record-Route")))
        dialog.media, dialog.answer = _media_of(answer.body), answer.body
        self._send(dialog, "ACK")
        return dialog

    async def bye(self, dialog: Dialog) -> int:
        """End the call; gives the far end's answer, 408 where none comes. One that is over already gives 0."""
        if dialog.ended.is_set():
            return 0
        dialog.sequence += 1
        try:
            answer = await self._transact(dialog, "BYE", "", wait_s=BYE_WAIT_S)
        except CallRefusedError as silence:
            return silence.code
        dialog.ended.set()
        if answer.code == _OK:
            self._dialogs.pop(dialog.call_id, None)
        return answer.code

    async def _transact(self, dialog: Dialog, method: str, body: str, wait_s: float = ANSWER_WAIT_S) -> Message:
        dialog.branch = f"z9hG4bK{secrets.token_hex(8)}"
        loop = asyncio.get_running_loop()
        give_up_s, pause_s, heard = loop.time() + wait_s, RETRANSMIT_S, False
        while loop.time() < give_up_s:
            if not heard:
                self._send(dialog, method, body, branch=dialog.branch)
            try:
                answer = await asyncio.wait_for(dialog.responses.get(), pause_s)
            except TimeoutError:
                pause_s = min(pause_s * 2, 4.0)
                continue
            if answer.code >= 200 and answer.one("CSeq") == f"{dialog.sequence} {method}":
                return answer
            if not heard:
                heard, give_up_s = True, loop.time() + RING_WAIT_S
        raise CallRefusedError(408, f"no answer to {method}")

    def _send(
        self, dialog: Dialog, method: str, body: str = "", *, branch: str = "", remote: str = "", sequence: int = 0
    ) -> None:
        extra = dialog.headers if method == "INVITE" else {}
        lines = [
            f"{method} {dialog.contact or dialog.uri} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch={branch or 'z9hG4bK' + secrets.token_hex(8)};rport",
            *(f"Route: {route}" for route in dialog.routes),
            "Max-Forwards: 70",
            f"From: {dialog.local}",
            f"To: {remote or dialog.remote}",
            f"Call-ID: {dialog.call_id}",
            f"CSeq: {sequence or dialog.sequence} {method}",
            f"Contact: <sip:source@127.0.0.1:{self.port}>",
            *(f"{name}: {value}" for name, value in extra.items()),
            *(["Content-Type: application/sdp"] if body and "Content-Type" not in extra else []),
            f"Content-Length: {len(body.encode())}",
        ]
        self._write("\r\n".join(lines) + "\r\n\r\n" + body, dialog.proxy)

    def _write(self, text: str, address: Address) -> None:
        assert self._transport is not None
        self._transport.sendto(text.encode(), address)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """Take a message from the far end."""
        message = Message(data.decode(errors="replace"))
        dialog = self._dialogs.get(message.one("Call-ID", "i"))
        if not message.code:
            self._answer(message, dialog, (str(addr[0]), int(addr[1])))
        elif dialog is not None:
            is_repeated = dialog.contact and message.one("CSeq").endswith(" INVITE")
            if is_repeated and message.code >= 200:
                self._send(dialog, "ACK", sequence=int(message.one("CSeq").split()[0]))
            else:
                dialog.responses.put_nowait(message)

    def _answer(self, request: Message, dialog: Dialog | None, address: Address) -> None:
        method = request.first.split(" ", 1)[0]
        if method == "ACK":
            return
        status = "200 OK" if dialog else "481 Call/Transaction Does Not Exist"
        body = dialog.offer if dialog and method in ("INVITE", "UPDATE") else ""
        lines = [
            f"SIP/2.0 {status}",
            *(f"Via: {value}" for value in request.all("Via", "v")),
            *(f"Record-Route: {value}" for value in request.all("Record-Route")),
            f"From: {request.one('From', 'f')}",
            f"To: {request.one('To', 't')}",
            f"Call-ID: {request.one('Call-ID', 'i')}",
            f"CSeq: {request.one('CSeq')}",
            f"Contact: <sip:source@127.0.0.1:{self.port}>",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body.encode())}",
        ]
        self._write("\r\n".join(lines) + "\r\n\r\n" + body, address)
        if method == "BYE" and dialog:
            dialog.ended.set()


def offer_audio(port: int, streams: int, direction: str = "sendonly", codec: str = "PCMU") -> str:
    """Write an SDP offer of streams of one codec, PCMU, PCMA or G722, from 127.0.0.1:port."""
    number = PAYLOAD_TYPES[codec]
    lines = ["v=0", "o=source 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"]
    for stream in range(streams):
        lines += [f"m=audio {port} RTP/AVP {number}", f"a=rtpmap:{number} {codec}/8000", "a=ptime:20"]
        lines += [f"a=label:{stream + 1}", f"a={direction}"]
    return "\r\n".join(lines) + "\r\n"


def _media_of(sdp: str) -> tuple[Address, ...]:
    host = next(iter(re.findall(r"^c=IN IP4 (\S+)", sdp, re.MULTILINE)), "127.0.0.1")
    return tuple((host, int(port)) for port in re.findall(r"^m=audio (\d+)", sdp, re.MULTILINE))


def _uri_of(contact: str) -> str:
    inside = re.search(r"<([^>]+)>", contact)
    return inside.group(1) if inside else contact.partition(";")[0]
