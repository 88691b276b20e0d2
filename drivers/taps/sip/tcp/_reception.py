"""Where TCP connections come to: each waits here until a message is whole, and then for a seat at PJSIP.

A connection that says nothing, or nothing that PJSIP could read, costs PJSIP nothing. One that gives its seat back
stays open here and gets another with its next message.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import Final, final

from drivers.contract import CallRefused, ConnectionRefused, Host
from drivers.taps.sip._message import Message
from drivers.taps.sip._options import Options
from drivers.taps.sip._pace import Pace
from drivers.taps.sip._peers import Peers
from drivers.taps.sip.tcp._acceptor import Acceptor
from drivers.taps.sip.tcp._answer import acknowledges, compose
from drivers.taps.sip.tcp._frames import LONGEST, Frame
from drivers.taps.sip.tcp._seats import Seats
from drivers.taps.sip.tcp._visitor import Seat, Visitor, open_seat

logger = logging.getLogger(__name__)

_BURST: Final = 25  # connections that are taken in a turn; a flood of them must not keep the other threads waiting
_REST_S: Final = 0.01
_READ_BYTES: Final = 1 << 16
_UNREAD_BYTES: Final = 1 << 20  # that a peer may leave unread
_MESSAGE_S: Final = 10.0  # from a connection, or the first octet of a message, to its last
_SEAT_S: Final = 4.0
_ANSWER_S: Final = 0.6  # a peer that has closed may have left a BYE, which waits until its audio is out
_TIDY_S: Final = 0.25
_SOON_S: Final = 0.02
_TOLD_PER_S: Final = 1


@final
class Reception:
    """A thread of its own. ``post`` carries orders to the PJSIP thread; ``calls_up`` gives the Call-IDs of calls."""

    def __init__(
        self,
        acceptor: Acceptor,
        options: Options,
        peers: Peers,
        host: Host,
        post: Callable[[Callable[[], None]], None],
        calls_up: Callable[[], set[str]],
    ) -> None:
        self._acceptor = acceptor
        self._options = options
        self._peers = peers
        self._host = host
        self._post = post
        self._calls_up = calls_up
        self._port = acceptor.listener.getsockname()[1]
        self._visitors: dict[Visitor, None] = {}
        self._seats = Seats()
        self._turned_away: collections.Counter[str] = collections.Counter()  # by reason, since it was told
        self._latest: dict[str, str] = {}  # by reason: whose connection was the last
        self._telling, self._logging = Pace(_TOLD_PER_S), Pace(_TOLD_PER_S)
        self._tidied_s = self._rests_until_s = 0.0
        self._selector = selectors.DefaultSelector()
        self._waker, self._woken = socket.socketpair()
        self._ending = False
        self.failure = ""  # why nobody is served any more
        self._thread = threading.Thread(target=self._run, name=f"tcp-{options.name}", daemon=True)

    def start(self) -> None:
        """Let peers in."""
        self._selector.register(self._woken, selectors.EVENT_READ, lambda _: None)
        self._selector.register(self._acceptor.listener, selectors.EVENT_READ, self._come)
        self._thread.start()

    def stop(self) -> None:
        """Let nobody in any more, and leave every connection to the end of the process."""
        self._ending = True
        self._waker.send(b"x")
        if self._thread.is_alive():
            self._thread.join(1.0)
        self._acceptor.listener.close()

    def _run(self) -> None:
        try:
            while not self._ending:
                self._turn()
        except Exception as error:  # calls go on; a new worker takes over as soon as there is none
            logger.exception("nobody is served over TCP any more")
            self.failure = f"the thread for TCP died: {error!r}"
            self._acceptor.listener.close()

    def _turn(self) -> None:
        for key, events in self._selector.select(self._pause_s()):
            key.data(events)
        now_s = time.monotonic()
        if self._rests_until_s and now_s >= self._rests_until_s:
            self._rests_until_s = 0.0
            self._watch(self._acceptor.listener, selectors.EVENT_READ, self._come)
        self._seat_waiting(now_s)
        if now_s - self._tidied_s >= _TIDY_S:
            self._tidied_s = now_s
            self._tidy(now_s)

    def _pause_s(self) -> float | None:
        if self._rests_until_s:
            return _REST_S
        if any(visitor.waits or visitor.ended for visitor in self._visitors):
            return _SOON_S
        return _TIDY_S if self._visitors or self._seats.taken or self._turned_away else None

    # --- peers ----------------------------------------------------------------------------------------------------

    def _come(self, _: int) -> None:
        for _ in range(_BURST):
            try:
                found, (host, port) = self._acceptor.listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                self._turn_away("?", f"cannot be accepted: {error}")
                break
            now_s = time.monotonic()
            if reason := self._no_room(host, now_s):
                self._turn_away(f"{host}:{port}", reason)
                found.close()
                continue
            found.setblocking(False)
            found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            visitor = Visitor(found, host, port, now_s)
            self._visitors[visitor] = None
            self._attend(visitor)
        self._rests_until_s = time.monotonic() + _REST_S
        self._selector.unregister(self._acceptor.listener)

    def _no_room(self, host: str, now_s: float) -> str:
        """Why no connection of that address is taken; empty where one is, another being closed for it if need be."""
        if not self._peers.knows(host):
            return "none of the peers"
        shares = collections.Counter(visitor.host for visitor in self._visitors)
        if shares[host] >= self._options.tcp_peer_connections:
            return f"more than {self._options.tcp_peer_connections} connections of one address"
        if len(self._visitors) < self._options.tcp_connections:
            return ""
        others = [visitor for visitor in self._visitors if not visitor.calls and not visitor.messages]
        most = max(others, key=lambda visitor: (shares[visitor.host], -visitor.heard_s), default=None)
        if most is None or (shares[most.host] <= shares[host] + 1 and now_s - most.heard_s < _MESSAGE_S):
            return f"more than {self._options.tcp_connections} connections"
        self._turn_away(most.name, f"more than {self._options.tcp_connections} connections: closed for another")
        self._end(most)
        return ""

    def _attend(self, visitor: Visitor) -> None:
        """Wait for what the visitor can do next."""
        reads = selectors.EVENT_READ if visitor.hears else 0
        writes = selectors.EVENT_WRITE if visitor.to_send else 0
        self._watch(visitor.socket, reads | writes, lambda events: self._serve(visitor, events))

    def _serve(self, visitor: Visitor, events: int) -> None:
        if visitor not in self._visitors:  # closed for another one in the same turn
            return
        try:
            if events & selectors.EVENT_WRITE:
                self._flush(visitor)
            if events & selectors.EVENT_READ and visitor in self._visitors:
                self._hear(visitor, visitor.socket.recv(_READ_BYTES))
        except BlockingIOError:
            pass
        except OSError:  # the peer is gone
            self._end(visitor)
        if visitor in self._visitors:
            self._attend(visitor)

    def _hear(self, visitor: Visitor, octets: bytes) -> None:
        now_s = time.monotonic()
        visitor.ended = not octets
        if visitor.spoke and not visitor.incoming.begun:
            visitor.heard_s = now_s
        for frame in visitor.incoming.push(octets):
            visitor.spoke, visitor.heard_s = True, now_s
            self._take(visitor, frame, now_s)
        if visitor.incoming.fault:
            self._give_up(visitor, 400, visitor.incoming.fault, visitor.incoming.faulty)
        elif visitor.ended:
            self._consider(visitor, now_s)

    def _take(self, visitor: Visitor, frame: Frame, now_s: float) -> None:
        if frame.octets:
            if not acknowledges(frame.head):
                visitor.take(frame, now_s)
                self._pass_on(visitor)
            return
        reason = f"a message of {frame.size} octets, of which {LONGEST} can be read without a front"
        if self._logging.take(now_s):
            logger.warning("%s: %s", visitor.name, reason)
        self._refuse(visitor, 513, reason, frame.head)

    def _refuse(self, visitor: Visitor, code: int, reason: str, head: bytes) -> None:
        visitor.to_send += compose(head, code, reason)
        if head.startswith(b"INVITE ") and not Message.read(head).to_tag:
            self._host.emit(CallRefused(code=code, reason=reason))

    def _give_up(self, visitor: Visitor, code: int, reason: str, *heads: bytes) -> None:
        """Answer what can be answered, and close."""
        self._turn_away(visitor.name, reason)
        for head in heads:
            self._refuse(visitor, code, reason, head)
        with contextlib.suppress(OSError):
            visitor.socket.send(visitor.to_send)
        self._end(visitor)

    def _flush(self, visitor: Visitor) -> None:
        if visitor.to_send:
            with contextlib.suppress(BlockingIOError):
                del visitor.to_send[: visitor.socket.send(visitor.to_send)]
        if len(visitor.to_send) > _UNREAD_BYTES:
            self._turn_away(visitor.name, "does not read what it is answered")
            self._end(visitor)

    def _end(self, visitor: Visitor) -> None:
        """Close a visitor's connection; its seat is free when PJSIP has closed too."""
        if visitor not in self._visitors:
            return
        del self._visitors[visitor]
        self._watch(visitor.socket, 0, None)
        visitor.socket.close()
        if visitor.seat is not None:
            visitor.seat.visitor = None
            self._leave(visitor.seat)

    # --- PJSIP ----------------------------------------------------------------------------------------------------

    def _seat_waiting(self, now_s: float) -> None:
        """Give seats to those who wait, as long as there are any."""
        while waiting := [visitor for visitor in self._visitors if visitor.waits]:
            visitor = self._seats.next(waiting, now_s)
            if visitor is None:
                for seat in list(self._seats.spare(waiting, now_s)):
                    self._leave(seat)
                return
            self._seat(visitor)

    def _seat(self, visitor: Visitor) -> None:
        try:
            seat, descriptor = open_seat(visitor, self._port)
        except OSError as error:
            self._give_up(visitor, 503, f"no connection to PJSIP: {error}", *visitor.messages)
            return
        peer = visitor.host, visitor.port
        visitor.sit(seat, time.monotonic())
        self._seats.taken.add(seat)
        self._post(lambda: self._acceptor.give(descriptor, peer))
        self._pass_on(visitor)
        self._attend(visitor)

    def _pass_on(self, visitor: Visitor) -> None:
        """Give the visitor's messages to PJSIP, if it has a seat."""
        seat = visitor.seat
        if seat is None or seat.leaving:
            return
        while visitor.messages:
            seat.to_send += visitor.messages.popleft()
        self._push(seat)

    def _push(self, seat: Seat) -> None:
        if seat.to_send and not seat.leaving:
            with contextlib.suppress(OSError):  # an end that is closed is seen where it is read
                del seat.to_send[: seat.socket.send(seat.to_send)]
        writes = selectors.EVENT_WRITE if seat.to_send and not seat.leaving else 0
        self._watch(seat.socket, selectors.EVENT_READ | writes, lambda events: self._carry(seat, events))

    def _carry(self, seat: Seat, events: int) -> None:
        """Take what PJSIP says to the visitor of a seat."""
        if seat not in self._seats.taken:
            return
        if events & selectors.EVENT_WRITE:
            self._push(seat)
            if seat.visitor is not None:
                self._attend(seat.visitor)
        if not events & selectors.EVENT_READ:
            return
        try:
            octets = seat.socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            octets = b""
        if not octets:
            self._close(seat)
        elif seat.visitor is not None:
            self._answer(seat.visitor, octets)

    def _answer(self, visitor: Visitor, octets: bytes) -> None:
        if not octets.strip(b"\r\n"):
            visitor.to_send += octets  # PJSIP keeps the connection alive
        for frame in visitor.outgoing.push(octets):
            visitor.give(frame)
        try:
            self._flush(visitor)
        except OSError:
            self._end(visitor)
        if visitor in self._visitors:
            self._attend(visitor)

    def _leave(self, seat: Seat) -> None:
        """Tell PJSIP that nothing more comes on a seat. It reads what came before, and closes."""
        if not seat.leaving:
            seat.leaving = True
            with contextlib.suppress(OSError):
                seat.socket.shutdown(socket.SHUT_WR)
            self._push(seat)

    def _close(self, seat: Seat) -> None:
        now_s = time.monotonic()
        self._seats.close(seat, now_s)
        self._watch(seat.socket, 0, None)
        seat.socket.close()
        visitor = seat.visitor
        if visitor is None:
            return
        visitor.stand_up(now_s)
        if not seat.leaving:  # PJSIP has closed by itself
            self._end(visitor)

    # --- from time to time ----------------------------------------------------------------------------------------

    def _tidy(self, now_s: float) -> None:
        calls = self._calls_up()
        for visitor in list(self._visitors):
            visitor.calls &= calls
            self._consider(visitor, now_s)
        if self._turned_away and self._telling.take(now_s):
            self._tell()

    def _consider(self, visitor: Visitor, now_s: float) -> None:
        """Close a connection that nothing more is to be expected of."""
        quiet_s = now_s - visitor.heard_s
        answered = visitor.unanswered <= 0 or quiet_s >= _ANSWER_S
        if visitor.ended and answered and not (visitor.messages or visitor.to_send):
            self._end(visitor)
        elif visitor.waits and now_s - visitor.waits_s >= _SEAT_S:
            self._give_up(visitor, 503, "more connections than PJSIP has sockets for", *visitor.messages)
        elif (visitor.incoming.begun or not visitor.spoke) and quiet_s >= _MESSAGE_S:
            self._give_up(visitor, 400, f"no whole message in {_MESSAGE_S:.0f} s")
        elif not visitor.calls and quiet_s >= self._options.tcp_idle_s:
            self._end(visitor)

    def _turn_away(self, peer: str, reason: str) -> None:
        self._turned_away[reason] += 1
        self._latest[reason] = peer

    def _tell(self) -> None:
        for reason, count in self._turned_away.items():
            peer = self._latest[reason]
            self._host.emit(ConnectionRefused(peer=peer, reason=reason, count=count))
        self._turned_away.clear()
        self._latest.clear()

    def _watch(self, end: socket.socket, events: int, act: Callable[[int], None] | None) -> None:
        known = end.fileno() in self._selector.get_map()
        if events and known:
            self._selector.modify(end, events, act)
        elif events:
            self._selector.register(end, events, act)
        elif known:
            self._selector.unregister(end)
