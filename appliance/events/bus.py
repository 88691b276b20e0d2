"""Hand events to whoever waits for them.

Parts of the box have a bounded queue each (:class:`Subscription`); subscribers at the wire, who may be slow or come
back later, read from the history.
"""

from __future__ import annotations

import asyncio
import collections
from typing import final

from appliance.events.history import EventHistory
from appliance.events.types import Event


@final
class Subscription:
    """One subscriber's queue. When it is full the oldest event goes, and :attr:`dropped` counts it."""

    def __init__(self, bus: EventBus, limit: int) -> None:
        self._bus = bus
        self._limit = limit
        self._waiting: collections.deque[Event] = collections.deque()
        self._wake = asyncio.Event()
        self.dropped = 0

    def put(self, event: Event) -> None:
        """Take an event from the bus; never waits."""
        if len(self._waiting) >= self._limit:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(event)
        self._wake.set()

    async def get(self) -> Event:
        """Wait for the next event, in the order of their happening."""
        while not self._waiting:
            self._wake.clear()
            await self._wake.wait()
        return self._waiting.popleft()

    def close(self) -> None:
        """Take no more events."""
        self._bus.forget(self)


@final
class EventBus:
    """Where facts are published. Lives on one event loop; ``publish`` is not for other threads."""

    def __init__(self, history: EventHistory | None = None) -> None:
        self._subscriptions: list[Subscription] = []
        self.history = history or EventHistory()
        """What was published of late, for subscribers at the wire."""

    def publish(self, event: Event) -> None:
        """Give the event to every subscriber."""
        self.history.append(event)
        for subscription in self._subscriptions:
            subscription.put(event)

    def subscribe(self, limit: int = 10_000) -> Subscription:
        """Begin a subscription whose queue holds at most ``limit`` events."""
        subscription = Subscription(self, limit)
        self._subscriptions.append(subscription)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """End a subscription; a second time does nothing."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
