"""A SIPREC client (RFC 7866, the session recording client): sends calls with metadata to a recorder.

It is no SIP stack: one call a client, no authentication. What it sends may be bent on purpose.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self, final

from hil.peers.sip_uac import Address, CallRefusedError, Message
from hil.peers.siprec_channel import Channel, Transport

_ANSWER_S: Final = 8.0
_AGAIN_S: Final = 0.5
_SCHEMES: Final[Mapping[Transport, str]] = {"udp": "UDP", "tcp": "TCP", "tls": "TLS"}


@final
class SiprecClient:
    """One recording session to the recorder at ``port``. Use as an asynchronous context.

    ``media`` are the recorder's RTP addresses, one a stream; ``rtp_port`` is the port the streams say they come from.
    ``overtakes``: each ACK is sent right behind the next request, as a network brings them that changes their order.
    """

    def __init__(
        self, port: int, rtp_port: int, *, transport: Transport = "udp", certificate: Path | None = None
    ) -> None:
        self.media: tuple[Address, ...] = ()
        self.answer: Message | None = None
        self.call_id = f"{secrets.token_hex(8)}@src.test"
        self.ended = asyncio.Event()
        self.overtakes = False
        self._port = port
        self._rtp_port = rtp_port
        self._certificate = certificate
        self._channel = Channel(transport, self._take)
        self._answers: asyncio.Queue[Message] = asyncio.Queue()
        self._tag = secrets.token_hex(4)
        self._sequence = 0
        self._version = 0
        self._remote = f"<sip:srs@127.0.0.1:{port}>"
        self._target = f"sip:srs@127.0.0.1:{port}"
        self._routes: list[str] = []
        self._owed = ""  # an ACK

    async def __aenter__(self) -> Self:
        await self._channel.open("127.0.0.1", self._port, self._certificate)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()

    async def begin(
        self, metadata: str, labels: Sequence[str] = ("1", "2"), headers: Mapping[str, str] | None = None
    ) -> Message:
        """Begin the session; gives the answer. Raises CallRefusedError."""
        return await self.begin_with(*self._body(metadata, labels, ["sendonly"] * len(labels)), headers)

    async def begin_with(self, body: str, kind: str, headers: Mapping[str, str] | None = None) -> Message:
        """Begin the session with a body of one's own, of the type ``kind``; gives the answer."""
        answer = await self._invite(body, kind, {"Require": "siprec", **(headers or {})})
        if answer.code >= 300:
            raise CallRefusedError(answer.code, answer.reason)
        self.answer = answer
        return answer

    async def offer(self, directions: Sequence[str], labels: Sequence[str] = ("1", "2"), metadata: str = "") -> int:
        """Offer the streams anew, each sendonly, inactive or removed; gives the answer's code."""
        body, kind = self._body(metadata, labels, directions)
        return (await self._invite(body, kind, {"Require": "siprec"})).code

    async def offer_with(self, body: str, kind: str = "application/sdp") -> int:
        """Offer anew with a body of one's own; gives the answer's code."""
        return (await self._invite(body, kind, {"Require": "siprec"})).code

    async def tell(self, method: str, metadata: str) -> int:
        """Send metadata alone by UPDATE or INFO; gives the answer's code."""
        headers = {"Content-Disposition": "recording-session", "Require": "siprec"}
        return (await self._request(method, metadata, "application/rs-metadata+xml", headers)).code

    async def options(self) -> Message:
        """Ask what the recorder can."""
        return await self._request("OPTIONS", "", "", {})

    async def end(self) -> int:
        """End the session; gives the answer's code."""
        return (await self._request("BYE", "", "", {})).code

    # --- messages -------------------------------------------------------------------------------------------------

    def _body(self, metadata: str, labels: Sequence[str], directions: Sequence[str]) -> tuple[str, str]:
        self._version += 1
        sdp = ["v=0", f"o=src 1 {self._version} IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"]
        for label, direction in zip(labels, directions, strict=True):
            if direction == "removed":
                sdp += ["m=audio 0 RTP/AVP 0"]
                continue
            sdp += [f"m=audio {self._rtp_port} RTP/AVP 0", "a=rtpmap:0 PCMU/8000", f"a=label:{label}", f"a={direction}"]
        offer = "\r\n".join(sdp) + "\r\n"
        if not metadata:
            return offer, "application/sdp"
        boundary = f"part-{secrets.token_hex(6)}"
        lines = [f"--{boundary}", "Content-Type: application/sdp", "", offer, f"--{boundary}"]
        lines += ["Content-Type: application/rs-metadata+xml", "Content-Disposition: recording-session", "", metadata]
        return "\r\n".join([*lines, f"--{boundary}--", ""]), f'multipart/mixed;boundary="{boundary}"'

    async def _invite(self, body: str, kind: str, headers: Mapping[str, str]) -> Message:
        answer = await self._request("INVITE", body, kind, headers)
        if answer.code < 300:
            self._remote = answer.one("To", "t")
            contact = re.search(r"<([^>]+)>", answer.one("Contact", "m"))
            self._target = contact[1] if contact else self._target
            self._routes = self._routes or list(reversed(answer.all("Record-Route")))
            ports = re.findall(r"^m=audio (\d+)", answer.body, re.MULTILINE)
            self.media = tuple(("127.0.0.1", int(port)) for port in ports)
        self._owed = self._compose("ACK", "", "", {}, answer.one("To", "t"))
        if not self.overtakes:
            self._pay()
        return answer

    def _pay(self) -> None:
        if self._owed:
            self._channel.send(self._owed)
        self._owed = ""

    async def _request(self, method: str, body: str, kind: str, headers: Mapping[str, str]) -> Message:
        self._sequence += 1
        branch = f"z9hG4bK{secrets.token_hex(8)}"
        heard = self._channel.transport != "udp"
        self._send(method, body, kind, headers, branch=branch)
        self._pay()
        async with asyncio.timeout(_ANSWER_S):
            while True:
                try:
                    answer = await asyncio.wait_for(self._answers.get(), None if heard else _AGAIN_S)
                except TimeoutError:
                    self._send(method, body, kind, headers, branch=branch)
                    continue
                if answer.one("CSeq") == f"{self._sequence} {method}":
                    heard = True
                    if answer.code >= 200:
                        return answer

    def _send(self, method: str, body: str, kind: str, headers: Mapping[str, str], *, branch: str) -> None:
        self._channel.send(self._compose(method, body, kind, headers, branch=branch))

    def _compose(
        self, method: str, body: str, kind: str, headers: Mapping[str, str], remote: str = "", *, branch: str = ""
    ) -> str:
        host, port = self._channel.address
        via = f"SIP/2.0/{_SCHEMES[self._channel.transport]} {host}:{port}"
        contact = f"<sip:src@{host}:{port};transport={self._channel.transport}>"
        lines = [
            f"{method} {self._target} SIP/2.0",
            f"Via: {via};branch={branch or 'z9hG4bK' + secrets.token_hex(8)};rport",
            *(f"Route: {route}" for route in self._routes),
            "Max-Forwards: 70",
            f"From: <sip:src@sbc.test>;tag={self._tag}",
            f"To: {remote or self._remote}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {self._sequence} {method}",
            f"Contact: {contact};+sip.src",
            *(f"{name}: {value}" for name, value in headers.items()),
            *([f"Content-Type: {kind}"] if kind else []),
            f"Content-Length: {len(body.encode())}",
        ]
        return "\r\n".join(lines) + "\r\n\r\n" + body

    def _take(self, octets: bytes) -> None:
        message = Message(octets.decode(errors="replace"))
        if message.code:
            self._answers.put_nowait(message)
            return
        method = message.first.split(" ", 1)[0]
        if method == "ACK":
            return
        copied = [f"Via: {value}" for value in message.all("Via", "v")]
        copied += [f"{name}: {message.one(name)}" for name in ("From", "To", "Call-ID", "CSeq")]
        self._channel.send("\r\n".join(["SIP/2.0 200 OK", *copied, "Content-Length: 0", "", ""]))
        if method == "BYE":
            self.ended.set()
