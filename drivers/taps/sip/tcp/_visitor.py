"""A connection that a peer made, and the seat at PJSIP that it has or waits for."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import socket
from typing import Final, final

from drivers.taps.sip.tcp._frames import LONGEST, Frame, Frames

_ANSWER_BYTES: Final = 1 << 20
_MESSAGES: Final = 32  # that wait for PJSIP before no more are read
_UNREAD_BYTES: Final = 1 << 16


@final
@dataclasses.dataclass(eq=False, slots=True)
class Seat:
    """A connection to PJSIP, one of few; ``socket`` is our end of it. Freed only when PJSIP has closed the other."""

    host: str
    socket: socket.socket
    visitor: Visitor | None
    to_send: bytearray = dataclasses.field(default_factory=bytearray)
    since_s: float = 0.0
    leaving: bool = False  # nothing is sent any more, which PJSIP is told


@final
@dataclasses.dataclass(eq=False, slots=True)
class Visitor:
    """A peer's connection. Moments are monotonic."""

    socket: socket.socket
    host: str
    port: int
    heard_s: float  # when it came, or when something was last heard that is no part of a message yet to be ended
    incoming: Frames = dataclasses.field(default_factory=lambda: Frames(LONGEST))
    outgoing: Frames = dataclasses.field(default_factory=lambda: Frames(_ANSWER_BYTES))
    messages: collections.deque[bytes] = dataclasses.field(default_factory=collections.deque)  # for PJSIP
    to_send: bytearray = dataclasses.field(default_factory=bytearray)
    calls: set[str] = dataclasses.field(default_factory=set)  # Call-IDs of calls that came by it and are up
    seat: Seat | None = None
    waits_s: float = 0.0  # since when it waits for a seat
    unanswered: int = 0  # requests that PJSIP has not answered yet
    spoke: bool = False  # a message came
    ended: bool = False  # the peer says no more

    @property
    def name(self) -> str:
        """Address and port."""
        return f"{self.host}:{self.port}"

    @property
    def waits(self) -> bool:
        """Whether a message waits for a seat."""
        return bool(self.messages) and self.seat is None

    @property
    def hears(self) -> bool:
        """Whether more may be read of it now."""
        unread = max(len(self.to_send), len(self.seat.to_send) if self.seat else 0)
        return not self.ended and unread < _UNREAD_BYTES and len(self.messages) < _MESSAGES

    def take(self, frame: Frame, now_s: float) -> None:
        """Note a message of the peer that is for PJSIP."""
        if not self.messages and self.seat is None:
            self.waits_s = now_s
        self.messages.append(frame.octets)
        if not (frame.is_answer or frame.method == b"ACK"):
            self.unanswered += 1

    def give(self, frame: Frame) -> None:
        """Note a message of PJSIP's to the peer."""
        self.to_send += frame.octets
        if frame.is_answer and frame.code >= 200:
            self.unanswered = max(0, self.unanswered - 1)
            if frame.method == b"INVITE" and frame.code < 300:
                self.calls.add(frame.call_id)

    def sit(self, seat: Seat, now_s: float) -> None:
        """Take a seat."""
        self.seat, seat.since_s = seat, now_s
        self.outgoing = Frames(_ANSWER_BYTES)

    def stand_up(self, now_s: float) -> None:
        """Be without a seat; what PJSIP has not answered by it is not answered any more."""
        self.seat, self.waits_s, self.unanswered = None, now_s, 0


def open_seat(visitor: Visitor, port: int) -> tuple[Seat, int]:
    """Connect a seat for the visitor; gives it, and the descriptor of PJSIP's end.

    PJSIP's end has the address that the peer reached and our SIP ``port``, which PJSIP tells to the peer in requests.
    """
    local = visitor.socket.getsockname()[0]
    with contextlib.ExitStack() as undo:
        theirs = undo.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with contextlib.suppress(OSError):  # then the port is another, and nothing else is amiss
            theirs.bind((local, port))
        with socket.create_server((local, 0), backlog=1) as between:
            theirs.settimeout(1)
            theirs.connect(between.getsockname())
            between.settimeout(1)
            ours, caller = between.accept()
        undo.enter_context(ours)
        if caller != theirs.getsockname():
            raise ConnectionError("somebody else came in between")
        for end in (ours, theirs):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        undo.pop_all()
    return Seat(visitor.host, ours, visitor), theirs.detach()
