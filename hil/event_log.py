"""Collects a box's events in the background, so that a program can wait for one of them and look at all."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from typing import Self, final

from appliance.client import EventClient, EventSeen
from appliance.errors import UnreachableError

_LOOK_S = 0.2


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """An event and the moment at which it came (CLOCK_MONOTONIC)."""

    at_s: float
    event: EventSeen


@final
class EventLog:
    """A thread that reads one subscription; ``told`` is called there for each event."""

    def __init__(self, client: EventClient, told: Callable[[EventSeen], None] | None = None) -> None:
        self._client = client
        self._told = told
        self._seen: list[Seen] = []
        self._change = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._read, name="event log", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._closing.is_set():
            try:
                event = self._client.next(_LOOK_S)
            except TimeoutError:
                continue
            except UnreachableError:
                return  # the box is gone; what was seen stays
            with self._change:
                self._seen.append(Seen(time.monotonic(), event))
                self._change.notify_all()
            if self._told is not None:
                self._told(event)

    def all(self) -> list[EventSeen]:
        """All events so far, in order."""
        with self._change:
            return [s.event for s in self._seen]

    def of(self, device: str) -> list[EventSeen]:
        """Events of a device so far, in order."""
        with self._change:
            return [s.event for s in self._seen if s.event.data.get("DEVICEID") == device]

    def kinds_of(self, device: str) -> list[str]:
        """Types of a device's events so far, in order."""
        return [event.event_type for event in self.of(device)]

    def wait(self, event_type: str, device: str = "", *, count: int = 1, timeout_s: float = 10) -> EventSeen:
        """Wait for the ``count``-th event of the type (and device); gives it. Raises TimeoutError."""
        return self.wait_all(event_type, device, count=count, timeout_s=timeout_s)[count - 1]

    def wait_all(self, event_type: str, device: str = "", *, count: int, timeout_s: float) -> list[EventSeen]:
        """Wait until there are ``count`` events of the type (and device); gives them all. Raises TimeoutError."""
        deadline_s = time.monotonic() + timeout_s
        with self._change:
            while True:
                found = [
                    s.event
                    for s in self._seen
                    if s.event.event_type == event_type and (not device or s.event.data.get("DEVICEID") == device)
                ]
                if len(found) >= count:
                    return found
                if not self._change.wait(deadline_s - time.monotonic()):
                    kinds = [(s.event.event_type, s.event.data.get("DEVICEID")) for s in self._seen]
                    raise TimeoutError(f"{len(found)} of {count} {event_type} {device} in {timeout_s} s; seen: {kinds}")

    def close(self) -> None:
        """End the subscription."""
        self._closing.set()
        self._thread.join(5)
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
