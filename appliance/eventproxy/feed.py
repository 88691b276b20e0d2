"""Subscriptions of one connection, and the pump that brings events to it.

A slow reader harms nobody: at most one write buffer waits for it in memory of its own. Past a number of events, or
what the history keeps, the oldest go; they are counted and logged, and a client that knows of the extensions is told
which as soon as it reads again. One that takes nothing for long is hung up.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import math
from typing import final

from appliance import clock
from appliance.errors import SubscriptionDoubleError, SubscriptionUnknownError, ValueInvalidError
from appliance.eventproxy.printing import print_event, print_gap, print_heartbeat
from appliance.events.bus import EventBus
from appliance.events.history import EventReader
from appliance.events.types import Event
from appliance.messages.origin import Asked, Sink, Subscribed
from appliance.settings.models import ApiSettings, EventSettings

logger = logging.getLogger(__name__)

TELL_EVERY_S = 10.0
"""How often drops of one reader are logged at most."""


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What one subscription asks for: a class or ALL, and a type or blank for every one."""

    event_class: str
    event_type: str

    def takes(self, event: Event) -> bool:
        """Whether the event is asked for."""
        return self.event_class in {"ALL", event.event_class} and self.event_type in {"", event.event_type}


@final
@dataclasses.dataclass(slots=True)
class _Subscription:
    """One subscription and how far it has been served."""

    asked: Asked
    wanted: Wanted
    reader: EventReader
    said_at_s: float
    counted: int = 0  # drops that the log knows of, or will


@final
class EventProxy:
    """Makes feeds, and counts what happened on all of them."""

    def __init__(self, bus: EventBus, settings: EventSettings, api: ApiSettings) -> None:
        self.bus = bus
        self.settings = settings
        self.api = api
        self.hung_up = 0

    @property
    def dropped(self) -> int:
        """Events lost to readers that were too slow."""
        return self.bus.history.dropped

    def feed(self, sink: Sink) -> EventFeed:
        """Make the feed of one connection; it costs nothing until something is subscribed."""
        return EventFeed(self, sink)


@final
class EventFeed:
    """The subscriptions of one connection. Lives on the loop of the bus."""

    def __init__(self, proxy: EventProxy, sink: Sink) -> None:
        self._proxy = proxy
        self._sink = sink
        self._standing: dict[str, _Subscription] = {}
        self._count = 0
        self._wake = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._untold = 0  # drops that are not in the log yet
        self._told_at_s = -TELL_EVERY_S

    def subscribe(self, asked: Asked) -> Subscribed:
        """Begin a subscription; what it asks for comes behind the answer to it.

        Raises SubscriptionDoubleError, and ValueInvalidError for a SEQUENCE that was never given or one subscription
        too many.
        """
        wanted = Wanted(asked.event_class, asked.event_type)
        self._judge(asked, wanted)
        xref = asked.xref or self._next_xref()
        history = self._proxy.bus.history
        missing = None if asked.since is None else history.missing_since(asked.since)
        limit = None if asked.extended else self._proxy.settings.queue
        reader = history.read(wanted.takes, self._wake.set, since=asked.since, limit=limit)
        self._standing[xref] = _Subscription(asked, wanted, reader, clock.monotonic_s())
        self._wake.set()
        if self._pump is None:
            self._sink.bound(self._proxy.settings.buffer_bytes)
            self._pump = asyncio.get_running_loop().create_task(self._run())
            self._pump.add_done_callback(self._ended)
        logger.info(
            "events: %s subscribed as %s to %s %s",
            self._sink.peer,
            xref,
            wanted.event_class,
            wanted.event_type or "ALL",
        )
        if missing is not None:
            logger.warning("events: %s asked for %d to %d, which are not kept", self._sink.peer, *missing)
        return Subscribed(xref, history.last, missing)

    def unsubscribe(self, xref: str) -> None:
        """End a subscription. Raises SubscriptionUnknownError."""
        subscription = self._standing.pop(xref, None)
        if subscription is None:
            raise SubscriptionUnknownError
        self._count_drops(subscription)
        subscription.reader.close()
        if not self._standing:
            self.close()

    @property
    def subscribed(self) -> bool:
        """Whether any subscription stands."""
        return bool(self._standing)

    def close(self) -> None:
        """End all subscriptions."""
        for subscription in self._standing.values():
            self._count_drops(subscription)
            subscription.reader.close()
        self._standing.clear()
        self._tell_drops(last=True)
        if self._pump is not None:
            self._pump.cancel()
            self._pump = None

    def _judge(self, asked: Asked, wanted: Wanted) -> None:
        same = not asked.xref and any(wanted == standing.wanted for standing in self._standing.values())
        if asked.xref in self._standing or same:
            raise SubscriptionDoubleError
        last = self._proxy.bus.history.last
        if asked.since is not None and asked.since > last:
            raise ValueInvalidError(f"SINCE is above the last SEQUENCE, {last}")
        most = self._proxy.settings.max_subscriptions
        if len(self._standing) >= most:
            raise ValueInvalidError(f"a connection has {most} subscriptions at most")

    def _next_xref(self) -> str:
        while str(self._count) in self._standing:
            self._count += 1
        self._count += 1
        return str(self._count - 1)

    # --- the pump -------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            while True:
                self._wake.clear()
                if not await self._pass_on():
                    await self._wait()
        except _StalledError:
            self._proxy.hung_up += 1
            logger.warning(
                "events: %s took nothing for %g s and is hung up", self._sink.peer, self._proxy.settings.stall_s
            )
            self._sink.cut_off()

    async def _pass_on(self) -> bool:
        """Write the next event to every subscription that takes it; False if there is none."""
        heads = [kept.sequence for s in self._standing.values() if (kept := s.reader.head()) is not None]
        if not heads:
            return False
        for xref, subscription in list(self._standing.items()):
            if self._standing.get(xref) is subscription:  # nobody ended it while another one was served
                await self._pass_on_to(xref, subscription, min(heads))
        return True

    async def _pass_on_to(self, xref: str, subscription: _Subscription, sequence: int) -> None:
        self._count_drops(subscription)
        self._tell_drops()
        gap = subscription.reader.take_gap()
        if gap is not None and subscription.asked.extended:
            await self._say(subscription, print_gap(gap, xref, self._proxy.api))
        kept = subscription.reader.head()
        if kept is not None and kept.sequence == sequence:
            subscription.reader.step()
            number = sequence if subscription.asked.numbered else None
            await self._say(subscription, print_event(kept.event, xref, self._proxy.api, number))

    async def _say(self, subscription: _Subscription, document: bytes) -> None:
        """Write a document, and wait until the client has taken most of what was written."""
        subscription.said_at_s = clock.monotonic_s()
        self._sink.write(document)
        stalled_at_s = subscription.said_at_s + (self._proxy.settings.stall_s or math.inf)
        while not await self._drain(min(TELL_EVERY_S, stalled_at_s - clock.monotonic_s())):
            for standing in self._standing.values():
                self._count_drops(standing)
            self._tell_drops()
            if clock.monotonic_s() >= stalled_at_s:
                raise _StalledError

    async def _drain(self, wait_s: float) -> bool:
        try:
            async with asyncio.timeout(max(wait_s, 0)):
                await self._sink.drain()
        except TimeoutError:
            return False
        return True

    async def _wait(self) -> None:
        """Wait for an event, and beat while there is none."""
        beating = {xref: s for xref, s in self._standing.items() if s.asked.heartbeat_s}
        due_s = min((_due_s(s) for s in beating.values()), default=None)
        try:
            async with asyncio.timeout(None if due_s is None else max(due_s - clock.monotonic_s(), 0)):
                await self._wake.wait()
        except TimeoutError:
            await self._beat(beating)

    async def _beat(self, beating: dict[str, _Subscription]) -> None:
        for xref, subscription in beating.items():
            if subscription.reader.head() is None and _due_s(subscription) <= clock.monotonic_s():
                document = print_heartbeat(self._proxy.bus.history.last, xref, self._proxy.api)
                await self._say(subscription, document)

    def _ended(self, pump: asyncio.Task[None]) -> None:
        if not pump.cancelled() and (error := pump.exception()) is not None:
            logger.error("events: the feed of %s failed", self._sink.peer, exc_info=error)
            self._sink.cut_off()

    # --- what is lost ---------------------------------------------------------------------------------------------

    def _count_drops(self, subscription: _Subscription) -> None:
        new = subscription.reader.dropped - subscription.counted
        subscription.counted = subscription.reader.dropped
        self._untold += new

    def _tell_drops(self, *, last: bool = False) -> None:
        if self._untold and (last or clock.monotonic_s() - self._told_at_s >= TELL_EVERY_S):
            logger.warning("events dropped: %s reads too slowly, %d lost", self._sink.peer, self._untold)
            self._told_at_s = clock.monotonic_s()
            self._untold = 0


@final
class _StalledError(Exception):
    """The client takes nothing any more."""


def _due_s(subscription: _Subscription) -> float:
    return subscription.said_at_s + (subscription.asked.heartbeat_s or 0)
