"""One client's connection: requests in, answers out in their order, events between them.

Works on callbacks rather than on streams: a request that needs no waiting is answered within the callback that
brought its last byte.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import final

from appliance.bus.commands import Services
from appliance.errors import FormatInvalidError
from appliance.messages.dispatch import begin, refuse
from appliance.messages.origin import Feed, Origin, Port, Sink
from appliance.messages.printing import print_result
from appliance.messages.result import Result
from appliance.ports.gate import Visit
from appliance.ports.refusals import Reason
from appliance.settings.models import Listener
from appliance.xmlapi.codec import decode
from appliance.xmlapi.framing import Fault, Framer, Item

logger = logging.getLogger(__name__)

TURN_REQUESTS = 16
"""Requests answered before the loop may serve others."""
WAITING_REQUESTS = 256
"""Requests waiting for their turn past which the connection is not read from."""
LINGER_S = 2.0
"""How long a refused client may go on sending before it is cut off; closing at once would destroy the answer."""


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Terms:
    """What all connections of a listener share."""

    port: Port
    settings: Listener
    services: Services
    feed: Callable[[Sink], Feed]
    enter: Callable[[Connection], None]
    leave: Callable[[Connection], None]


@final
class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, terms: Terms, visit: Visit) -> None:
        self._terms = terms
        self._visit = visit
        self.peer = visit.peer
        self._framer = Framer(terms.settings.max_message_bytes)
        self._waiting: collections.deque[Item] = collections.deque()
        self._task: asyncio.Task[None] | None = None  # the one request that is being waited for
        self._turn: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._half_closed = False
        self._deaf = False  # whatever still comes is not read
        self._finishing = False
        self._lost = False
        self._begun_s: float | None = None  # when the first byte of the message that has begun came
        self._waited = False  # the next request has waited for its turn by the rate
        self._encrypted = False

    # --- asyncio's callbacks ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        _keep_alive(transport.get_extra_info("socket"))
        self._encrypted = transport.get_extra_info("sslcontext") is not None
        self._visit.identify(transport)
        self._feed = self._terms.feed(self)
        self._origin = Origin(self._terms.port, self.peer, self._feed, self._visit.who)
        self._terms.enter(self)
        self._watch_idle()

    def data_received(self, data: bytes) -> None:
        """Read requests, and answer those whose turn it is."""
        if self._deaf:
            return
        if found := self._framer.feed(data):
            self._begun_s = None
            self._waiting.extend(found)
        self._watch_idle()
        if self._task is None and self._turn is None:
            self._serve()
        else:
            self._balance()

    def eof_received(self) -> bool:
        """Answer what has come, then close; keep the transport until then."""
        self._half_closed = True
        if self._deaf and self._task is None and self._turn is None:
            return False  # closes
        self._waiting.extend(self._framer.give_up("connection closed within a message"))
        self._watch_idle()
        if self._task is None and self._turn is None:
            self._serve()
        # TLS ends both directions at once: what waits for nothing is answered by now, the rest is carried out unheard.
        return not self._encrypted

    def pause_writing(self) -> None:
        """The client does not take its answers: read no further requests."""
        self._writable.clear()
        self._balance()

    def resume_writing(self) -> None:
        """The client takes its answers again."""
        self._writable.set()
        self._balance()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the subscriptions; requests that came whole are still carried out."""
        self._lost = True
        self._writable.set()
        self._feed.close()
        self._terms.leave(self)
        self._visit.leave()
        if self._timer is not None:
            self._timer.cancel()
        if exc is not None:
            logger.info("connection broken: %s: %s", self.peer, exc)

    # --- Sink ---

    def write(self, octets: bytes) -> None:
        """Put one whole document on the wire; nothing once the connection is gone."""
        if not self._lost and not self._transport.is_closing():
            self._transport.write(octets)

    async def drain(self) -> None:
        """Wait until the client has taken most of what was written, or is gone."""
        await self._writable.wait()

    def bound(self, octets: int) -> None:
        """Let the client leave so many octets untaken before it is waited for."""
        self._transport.set_write_buffer_limits(high=octets)

    def cut_off(self) -> None:
        """Close at once."""
        self._transport.abort()

    # --- the listener's ---

    def finish(self) -> None:
        """Read no more; close once what has come is answered."""
        self._deaf = self._finishing = True
        if self._task is None and self._turn is None:
            self._serve()

    # --- serving ---

    def _serve(self) -> None:
        """Answer in order until one has to be waited for, or a fair share is done."""
        self._turn = None
        for _ in range(TURN_REQUESTS):
            if not self._waiting:
                self._close_when_done()
                break
            if not self._waited and (delay_s := self._visit.delay_s()):
                self._waited = True
                self._turn = self._loop.call_later(delay_s, self._serve)
                break
            self._waited = False
            outcome = self._answer(self._waiting.popleft())
            if not isinstance(outcome, Result):
                self._task = self._loop.create_task(self._wait_for(outcome))
                self._task.add_done_callback(self._ended)
                break
            self._send(outcome)
        else:
            self._turn = self._loop.call_soon(self._serve)
        self._balance()

    async def _wait_for(self, outcome: Awaitable[Result]) -> None:
        self._send(await outcome)
        self._task = None
        self._serve()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("connection failed: %s", self.peer, exc_info=error)
            self.cut_off()

    def _answer(self, item: Item) -> Result | Awaitable[Result]:
        terms = self._terms
        if isinstance(item, Fault):
            self._visit.refuse(_reason(item), item.reason)
            if item.fatal:
                self._loop.call_soon(self._turn_away)
            return refuse(FormatInvalidError(), terms.services, self._origin)
        try:
            values = decode(item)
        except FormatInvalidError as error:
            return refuse(error, terms.services, self._origin)
        return begin(values, terms.services, self._origin)

    def _send(self, result: Result) -> None:
        self.write(print_result(result, compact=self._terms.services.api.compact))

    def _balance(self) -> None:
        """Read only while the client takes its answers and few requests wait."""
        if self._lost or self._transport.is_closing() or self._half_closed:
            return
        wanted = len(self._waiting) < WAITING_REQUESTS and self._writable.is_set()
        if wanted and not self._transport.is_reading():
            self._transport.resume_reading()
            self._watch_idle()
        elif not wanted and self._transport.is_reading():
            self._transport.pause_reading()
            self._watch_idle()

    # --- endings ---

    def _watch_idle(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # A client whose bytes we do not take is not the one who keeps us waiting.
        if self._half_closed or not self._transport.is_reading():
            return
        settings = self._terms.settings
        if self._framer.pending:
            now_s = self._loop.time()
            self._begun_s = now_s if self._begun_s is None else self._begun_s
            limit_s = min(settings.idle_s, self._begun_s + settings.request_s - now_s)
            self._timer = self._loop.call_later(limit_s, self._idle)
        elif settings.silent_s:
            self._begun_s = None
            self._timer = self._loop.call_later(settings.silent_s, self._silent)

    def _idle(self) -> None:
        self._timer = self._begun_s = None
        self._waiting.extend(self._framer.give_up(Reason.UNFINISHED))
        if self._task is None and self._turn is None:
            self._serve()

    def _silent(self) -> None:
        self._timer = None
        if self._feed.subscribed or self._waiting or self._task is not None:
            self._watch_idle()
            return
        self._visit.refuse(Reason.SILENT)
        self._transport.close()

    def _close_when_done(self) -> None:
        if self._lost:
            self._feed.close()  # again: an EVENTS may have been among what was still carried out
            return
        # A closed direction cannot be told from a client that is gone, so subscriptions end with it too.
        if self._finishing or self._half_closed:
            self._transport.close()

    def _turn_away(self) -> None:
        """End our direction, and swallow what the client is still sending, so that it can read the answer."""
        self._deaf = True
        self._feed.close()  # nothing may follow the answer
        if self._lost or self._transport.is_closing():
            return
        if self._half_closed:
            self._transport.close()
            return
        self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._timer = self._loop.call_later(LINGER_S, self._transport.abort)


def _reason(fault: Fault) -> Reason:
    if fault.fatal:
        return Reason.TOO_LONG
    return Reason.UNFINISHED if fault.reason == Reason.UNFINISHED else Reason.NO_MESSAGE


def _keep_alive(connection: socket.socket) -> None:
    """Notice a listening client that vanished without a word within about two minutes."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
