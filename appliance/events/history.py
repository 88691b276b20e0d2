"""The events of late, numbered: what subscribers read from, each at a place and a pace of its own.

A number is given once, whatever is started anew. A subscriber's place costs nothing however far it lags behind; what
it has not read when the history lets it go is its gap, counted and named.
"""

from __future__ import annotations

import bisect
import collections
import dataclasses
import itertools
from collections.abc import Callable, Iterable
from typing import Final, final

from appliance import clock
from appliance.errors import DiskFullError
from appliance.events.journal import EventJournal, Kept
from appliance.events.types import Event

MOST_SEQUENCE: Final = 2**63 - 1
"""The highest SEQUENCE that there can be."""


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Gap:
    """Events that a subscriber asked for and that it cannot have: how many, and the first and last SEQUENCE."""

    count: int
    first: int
    last: int

    def also(self, sequence: int) -> Gap:
        """Give the gap with a later event in it."""
        return Gap(self.count + 1, self.first, sequence)


@final
class EventReader:
    """One subscriber's place in the history. Made by :meth:`EventHistory.read`; ``close`` it."""

    def __init__(
        self,
        history: EventHistory,
        wants: Callable[[Event], bool],
        at: int,
        limit: int | None,
        wake: Callable[[], None],
    ) -> None:
        self._history = history
        self._wants = wants
        self._limit = limit
        self._wake = wake
        self._waiting = 0  # of those that came since, while there is a limit
        self.at = at
        """Counts all events; the one to be looked at next."""
        self.gap: Gap | None = None
        """What was missed since :meth:`take_gap`."""
        self.dropped = 0

    def head(self) -> Kept | None:
        """Give the next event that is wanted, and leave it there."""
        while (kept := self._history.look(self.at)) is not None and not self._wants(kept.event):
            self.at += 1
        return kept

    def step(self) -> None:
        """Go past the event that :meth:`head` gave."""
        self.at += 1
        self._waiting = max(self._waiting - 1, 0)

    def take_gap(self) -> Gap | None:
        """Give what was missed, once."""
        gap, self.gap = self.gap, None
        return gap

    def close(self) -> None:
        """Give the place up; a second time does nothing."""
        self._history.forget(self)

    # --- the history's ---

    def came(self, kept: Kept) -> None:
        """An event was added."""
        if not self._wants(kept.event):
            return
        self._waiting += 1
        if self._limit is not None and self._waiting > self._limit and (oldest := self.head()) is not None:
            self.step()
            self._miss(oldest)
        self._wake()

    def went(self, kept: Kept) -> None:
        """The event at this place is let go."""
        self.at += 1
        if self._wants(kept.event):
            self._waiting = max(self._waiting - 1, 0)
            self._miss(kept)

    def _miss(self, kept: Kept) -> None:
        self.gap = self.gap.also(kept.sequence) if self.gap else Gap(1, kept.sequence, kept.sequence)
        self.dropped += 1
        self._history.dropped += 1


@final
class EventHistory:
    """Keeps the last ``keep`` events, for ``keep_s`` seconds at least where so many fit. Lives on one event loop.

    ``next_number`` gives numbers that rise; where it cannot (DiskFullError) the history counts on by itself.
    """

    def __init__(
        self,
        *,
        keep: int = 20_000,
        keep_s: float = 3600,
        next_number: Callable[[], int] | None = None,
        journal: EventJournal | None = None,
    ) -> None:
        self._keep = keep
        self._keep_s = keep_s
        self._next = next_number or itertools.count(1).__next__
        self._journal = journal
        self._kept: collections.deque[Kept] = collections.deque()
        self._gone = 0  # events before the first that is kept
        self._readers: dict[EventReader, None] = {}  # in their order
        self.last = 0
        """SEQUENCE of the last event."""
        self.whole_since = 0
        """Every event with a higher SEQUENCE is kept."""
        self.dropped = 0
        """Events that readers wanted and did not get, over all of them."""

    def recall(self, kept: Iterable[Kept], given: int) -> None:
        """Begin with the events of the life before; ``given`` is the highest number that may have been used then."""
        now_s = clock.monotonic_s()
        self._kept.extend(dataclasses.replace(one, at_s=min(one.at_s, now_s)) for one in kept)
        self.last = max(given, self._kept[-1].sequence if self._kept else 0)
        self.whole_since = self._kept[0].sequence - 1 if self._kept else self.last
        self._let_go(now_s)

    def append(self, event: Event) -> None:
        """Number an event, keep it, and wake whoever waits for it."""
        self.last = max(self._number(), self.last + 1)
        kept = Kept(self.last, clock.monotonic_s(), event)
        if self._journal is not None:
            self._journal.append(kept)
        self._kept.append(kept)
        self._let_go(kept.at_s)
        for reader in self._readers:
            reader.came(kept)

    def read(
        self,
        wants: Callable[[Event], bool],
        wake: Callable[[], None],
        *,
        since: int | None = None,
        limit: int | None = None,
    ) -> EventReader:
        """Take a place at the end, or behind the event ``since``.

        Of what comes from now on at most ``limit`` events wait for the reader, past that its oldest go.
        """
        at = self._gone + (len(self._kept) if since is None else self._place(since))
        reader = EventReader(self, wants, at, limit, wake)
        self._readers[reader] = None
        return reader

    def missing_since(self, since: int) -> tuple[int, int] | None:
        """First and last SEQUENCE behind ``since`` of which it is not sure that they are kept, None if all are."""
        return None if since >= self.whole_since else (since + 1, self.whole_since)

    def look(self, at: int) -> Kept | None:
        """Give the event at a place, None at the end."""
        index = at - self._gone
        return self._kept[index] if index < len(self._kept) else None

    def forget(self, reader: EventReader) -> None:
        """End a place; a second time does nothing."""
        self._readers.pop(reader, None)

    @property
    def kept(self) -> int:
        """Events kept now."""
        return len(self._kept)

    @property
    def readers(self) -> int:
        """Places taken now."""
        return len(self._readers)

    def _place(self, since: int) -> int:
        return bisect.bisect_right(self._kept, since, key=lambda kept: kept.sequence)

    def _number(self) -> int:
        try:
            return self._next()
        except DiskFullError:  # told where it arose
            return self.last + 1

    def _let_go(self, now_s: float) -> None:
        while self._kept and (len(self._kept) > self._keep or self._is_old(now_s)):
            oldest = self._kept.popleft()
            self._gone += 1
            self.whole_since = oldest.sequence
            for reader in self._readers:
                if reader.at < self._gone:
                    reader.went(oldest)

    def _is_old(self, now_s: float) -> bool:
        """Whether the oldest event is older than need be; what a reader has not read yet never is."""
        return self._kept[0].at_s < now_s - self._keep_s and all(reader.at > self._gone for reader in self._readers)
