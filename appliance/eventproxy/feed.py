"""Subscriptions of one connection, and the pump that brings events to it.

A slow reader harms nobody: at most one write buffer and a bounded queue wait for it. Past that the oldest events go;
they are counted, and logged.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from typing import final

from appliance import clock
from appliance.errors import SubscriptionDoubleError, SubscriptionUnknownError
from appliance.eventproxy.printing import print_event
from appliance.events.bus import EventBus, Subscription
from appliance.events.types import Event
from appliance.messages.origin import Sink
from appliance.settings.models import ApiSettings

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
class EventProxy:
    """Makes feeds, and counts what was dropped on all of them."""

    def __init__(self, bus: EventBus, queue: int, api: ApiSettings) -> None:
        self.bus = bus
        self.queue = queue
        self.api = api
        self.dropped = 0

    def feed(self, sink: Sink) -> EventFeed:
        """Make the feed of one connection; it costs nothing until something is subscribed."""
        return EventFeed(self, sink)


@final
class EventFeed:
    """The subscriptions of one connection. Lives on the loop of the bus."""

    def __init__(self, proxy: EventProxy, sink: Sink) -> None:
        self._proxy = proxy
        self._sink = sink
        self._wanted: dict[str, Wanted] = {}
        self._count = 0
        self._queue: Subscription | None = None
        self._pump: asyncio.Task[None] | None = None
        self._counted = 0  # drops of the queue that stand in the proxy's count
        self._untold = 0  # drops that are not in the log yet
        self._told_at_s = -TELL_EVERY_S

    def subscribe(self, event_class: str, event_type: str, xref: str) -> str:
        """Begin a subscription and give its EVENTXREF. Raises SubscriptionDoubleError."""
        wanted = Wanted(event_class, event_type)
        if xref in self._wanted or (not xref and wanted in self._wanted.values()):
            raise SubscriptionDoubleError
        name = xref or self._next_xref()
        self._wanted[name] = wanted
        if self._pump is None:
            self._counted = 0
            self._queue = self._proxy.bus.subscribe(self._proxy.queue)
            self._pump = asyncio.get_running_loop().create_task(self._run(self._queue))
            self._pump.add_done_callback(self._ended)
        logger.info("events: %s subscribed as %s to %s %s", self._sink.peer, name, event_class, event_type or "ALL")
        return name

    def unsubscribe(self, xref: str) -> None:
        """End a subscription. Raises SubscriptionUnknownError."""
        if self._wanted.pop(xref, None) is None:
            raise SubscriptionUnknownError
        if not self._wanted:
            self.close()

    def close(self) -> None:
        """End all subscriptions."""
        self._wanted.clear()
        if self._queue is not None:
            self._count_drops(self._queue, last=True)
            self._queue.close()
            self._queue = None
        if self._pump is not None:
            self._pump.cancel()
            self._pump = None

    def _next_xref(self) -> str:
        while str(self._count) in self._wanted:
            self._count += 1
        self._count += 1
        return str(self._count - 1)

    async def _run(self, queue: Subscription) -> None:
        while True:
            event = await queue.get()
            self._count_drops(queue)
            for xref, wanted in self._wanted.items():
                if wanted.takes(event):
                    self._sink.write(print_event(event, xref, self._proxy.api))
            await self._sink.drain()

    def _count_drops(self, queue: Subscription, *, last: bool = False) -> None:
        new = queue.dropped - self._counted
        self._counted = queue.dropped
        self._proxy.dropped += new
        self._untold += new
        if self._untold and (last or clock.monotonic_s() - self._told_at_s >= TELL_EVERY_S):
            logger.warning("events dropped: %s reads too slowly, %d lost", self._sink.peer, self._untold)
            self._told_at_s = clock.monotonic_s()
            self._untold = 0

    def _ended(self, pump: asyncio.Task[None]) -> None:
        if not pump.cancelled() and (error := pump.exception()) is not None:
            logger.error("events: the feed of %s failed", self._sink.peer, exc_info=error)
            self._sink.cut_off()
