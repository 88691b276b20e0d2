"""What a request meets before PJSIP's dialogs: calls are refused here, and a BYE waits here until its audio is out.

PJSIP opens sockets for every INVITE that reaches it, before it asks anybody, and aborts when it has too many; a call
that is refused here costs it nothing. And it throws away what waits in the jitter buffer when it handles a BYE.
"""

from __future__ import annotations

import ctypes
import logging
import re
import socket
import struct
from collections.abc import Callable
from typing import Final, Protocol, final

from drivers.contract import TapOptionsError
from drivers.taps.sip._message import Message
from drivers.taps.sip._native import Module, Native, OnRequest, Text
from drivers.taps.sip._session_timer import LEAST_S

logger = logging.getLogger(__name__)

# pjsip_rx_data on a 64-bit machine: where the packet is, the name of its sender's address with the port behind it, and
# the pointer to the message with its length.
_PACKET_AT: Final = 320
_PACKET_BYTES: Final = 4000
_SENDER_AT: Final = 4368
_SENDER: Final = struct.Struct("@46s2xi")
_MESSAGE_AT: Final = 4424
_BEFORE_TRANSACTIONS: Final = 12  # answers go no further than those that asked, at 16
_AFTER_TRANSACTIONS: Final = 24  # repeated requests end at 16, dialogs begin at 32
_TAKEN, _NOT_TAKEN = 1, 0
_SUBSCRIBE: Final = re.compile(rb"^CSeq\s*:[ \t]*\d+[ \t]+SUBSCRIBE\b", re.MULTILINE | re.IGNORECASE)
_UNWELL: Final = b"Retry-After", b"30"
_REFUSALS: Final = {422: (b"Min-SE", str(LEAST_S).encode()), 503: (b"Retry-After", b"1")}


class Judge(Protocol):
    """Who decides about requests."""

    def turn_away(self, address: str) -> int | None:
        """Answer to whoever may not speak to us from that address, 0 for none; None where he may."""
        ...

    def refusal(self, invite: Message) -> int | None:
        """Answer to an INVITE that would begin a call; None to let it through."""
        ...

    def health(self) -> int | None:
        """Answer to OPTIONS outside a call where the box cannot record; None to let it through."""
        ...

    def told(self, request: Message) -> int | None:
        """Take the metadata of a request within a call; gives the answer if it needs nothing else, else None."""
        ...

    def notified(self, notify: Message) -> None:
        """Read a notification, which PJSIP answers."""
        ...

    def confirmed(self, ack: Message) -> None:
        """Read the ACK of a call that came."""
        ...

    def answered(self, answer: Message) -> None:
        """Read an answer to an INVITE of ours that begins a call."""
        ...

    def subscribed(self, answer: Message, status: str) -> None:
        """Read why a subscription of ours is not accepted; ``status`` is code and reason."""
        ...

    def holds(self, request: Message) -> Callable[[int], None] | None:
        """Taker of the kept request, where a BYE or an INVITE within a call has to wait; None to let it through."""
        ...


@final
class Gate:
    """A module of PJSIP's endpoint. Lives as long as the process; PJSIP calls it on its thread."""

    def __init__(self, native: Native, judge: Judge) -> None:
        self._native = native
        self._judge = judge
        self._releasing = False
        self._seen: bytes | None = None
        self._seen_from = ("", 0)
        self._on_request = OnRequest(self._look)
        self._module = Module(
            name=Text(b"mod-linetap", 11), id=-1, priority=_AFTER_TRANSACTIONS, on_rx_request=self._on_request
        )
        native.register(self._module)
        self._on_answer = OnRequest(self._look_at_answer)
        self._answers = Module(
            name=Text(b"mod-linetap-answers", 19), id=-1, priority=_BEFORE_TRANSACTIONS, on_rx_response=self._on_answer
        )
        native.register(self._answers)

    def release(self, kept: int) -> None:
        """Let a kept request go its way. Not for use inside the gate."""
        self._releasing = True
        try:
            self._native.release(kept)
        finally:
            self._releasing = False

    def drop(self, kept: int) -> None:
        """Forget a kept request."""
        self._native.drop(kept)

    def prove(self, host: str, port: int, turn: Callable[[], None]) -> None:
        """Send a request to ourselves and see that it can be read; ``turn`` lets PJSIP handle events.

        Raises
        ------
        TapOptionsError
            PJSIP was built with another layout than this driver knows.
        """
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.connect((host, port))
            own = peer.getsockname()
            octets = _probe(host, port, own)
            self._seen = b""
            peer.send(octets)
            for _ in range(100):
                turn()
                if self._seen:
                    break
        seen, self._seen = self._seen, None
        if (seen, self._seen_from) != (octets, own):
            raise TapOptionsError("this build of pjsua2 has another layout of messages than the driver knows")

    def _look(self, request: int) -> int:
        try:
            return self._decide(request)
        except Exception:
            logger.exception("a SIP request could not be judged; PJSIP handles it alone")
            return _NOT_TAKEN

    def _decide(self, request: int) -> int:
        if self._releasing:
            return _NOT_TAKEN
        octets = read(request)
        if self._seen is not None and octets.startswith(b"OPTIONS "):
            self._seen, self._seen_from = octets, sender(request)
            return _NOT_TAKEN
        if (code := self._judge.turn_away(sender(request)[0])) is not None:
            return self._turn_away(request, octets, code)
        if octets.startswith(b"OPTIONS "):
            message = Message.read(octets)
            return _NOT_TAKEN if message.to_tag else self._answer(request, self._judge.health(), _UNWELL)
        if octets.startswith(b"INVITE "):
            return self._invite(request, Message.read(octets))
        if octets.startswith((b"UPDATE ", b"INFO ")):
            return self._answer(request, self._judge.told(Message.read(octets)))
        if octets.startswith(b"NOTIFY "):
            self._judge.notified(Message.read(octets))
        if octets.startswith(b"ACK "):
            self._judge.confirmed(Message.read(octets))
        if octets.startswith(b"BYE "):
            return self._hold(request, Message.read(octets))
        return _NOT_TAKEN

    def _turn_away(self, request: int, octets: bytes, code: int) -> int:
        if code and not octets.startswith(b"ACK "):
            self._native.answer(request, code)
        return _TAKEN

    def _look_at_answer(self, answer: int) -> int:
        try:
            octets = read(answer)
            if octets.startswith(b"SIP/2.0 2"):
                message = Message.read(octets)
                if message.header("cseq").endswith("INVITE"):
                    self._judge.answered(message)
            elif _SUBSCRIBE.search(octets):
                status = octets.split(b"\r\n", 1)[0].decode(errors="replace").partition(" ")[2]
                self._judge.subscribed(Message.read(octets), status)
        except Exception:
            logger.exception("an answer could not be read; PJSIP handles it alone")
        return _NOT_TAKEN

    def _invite(self, request: int, message: Message) -> int:
        if message.to_tag:
            self._judge.told(message)
            return self._hold(request, message)
        code = self._judge.refusal(message)
        return self._answer(request, code, _REFUSALS.get(code or 0))

    def _answer(self, request: int, code: int | None, header: tuple[bytes, bytes] | None = None) -> int:
        if code is None:
            return _NOT_TAKEN
        self._native.answer(request, code, header)
        return _TAKEN

    def _hold(self, request: int, message: Message) -> int:
        take = self._judge.holds(message)
        if take is None:
            return _NOT_TAKEN
        take(self._native.keep(request))
        return _TAKEN


def read(request: int) -> bytes:
    """Octets of the message that a ``pjsip_rx_data`` holds; empty where the layout is not the known one."""
    start, length = struct.unpack("@Qi", ctypes.string_at(request + _MESSAGE_AT, 12))
    packet = request + _PACKET_AT
    if not (packet <= start and length > 0 and start + length <= packet + _PACKET_BYTES):
        return b""
    return ctypes.string_at(start, length)


def sender(request: int) -> tuple[str, int]:
    """Address and port that a ``pjsip_rx_data`` came from."""
    name, port = _SENDER.unpack(ctypes.string_at(request + _SENDER_AT, _SENDER.size))
    return name.partition(b"\0")[0].decode("ascii", "replace"), int(port)


def _probe(host: str, port: int, peer: tuple[str, int]) -> bytes:
    lines = [
        f"OPTIONS sip:{host}:{port} SIP/2.0",
        f"Via: SIP/2.0/UDP {peer[0]}:{peer[1]};branch=z9hG4bKlinetap{peer[1]}",
        "Max-Forwards: 1",
        f"From: <sip:probe@{peer[0]}>;tag={peer[1]}",
        f"To: <sip:{host}:{port}>",
        f"Call-ID: probe-{peer[1]}@{peer[0]}",
        "CSeq: 1 OPTIONS",
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
