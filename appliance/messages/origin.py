"""Where a request came from, and what that way in can do beyond an answer."""

from __future__ import annotations

import dataclasses
import enum
from typing import Protocol, final


@final
class Port(enum.Enum):
    """The ways in. A message type says through which ones it can be had."""

    COMMANDS = "commands"  # XML, 5620
    EVENTS = "events"  # XML, 5621
    WEB = "web"  # WebAPI, 2012


class Sink(Protocol):
    """Where a connection's own documents go, beside the answers."""

    @property
    def peer(self) -> str:
        """Address of the client, for the log."""
        ...

    def write(self, octets: bytes) -> None:
        """Put one whole document on the wire."""
        ...

    async def drain(self) -> None:
        """Wait until the client has taken most of what was written."""
        ...

    def bound(self, octets: int) -> None:
        """Let :meth:`drain` wait while more than so many octets have not been taken."""
        ...

    def cut_off(self) -> None:
        """Close at once, so that the client notices that something failed."""
        ...


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """What a subscription asks for. ``event_type`` is blank for every type of the class.

    A blank ``xref`` lets the feed count. The others are extensions: ``since`` takes up behind the event of that
    SEQUENCE, ``numbered`` puts SEQUENCE into each event, after ``heartbeat_s`` without a word there is a heartbeat.
    """

    event_class: str
    event_type: str
    xref: str = ""
    since: int | None = None
    numbered: bool = False
    heartbeat_s: int | None = None

    @property
    def extended(self) -> bool:
        """Whether the client knows of the extensions, so that it may be told what the manual does not have."""
        return self.since is not None or self.numbered or self.heartbeat_s is not None


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Subscribed:
    """What a subscription was given: its EVENTXREF, the SEQUENCE of the last event so far, and what is missing.

    ``missing`` is the first and last SEQUENCE behind the one asked for that may not be kept any more, None if all are.
    """

    xref: str
    last: int
    missing: tuple[int, int] | None = None


class Feed(Protocol):
    """The event subscriptions of one connection."""

    def subscribe(self, asked: Asked) -> Subscribed:
        """Begin a subscription.

        Raises SubscriptionDoubleError, and ValueInvalidError for a SEQUENCE that was never given or one subscription
        too many.
        """
        ...

    def unsubscribe(self, xref: str) -> None:
        """End a subscription. Raises SubscriptionUnknownError."""
        ...

    @property
    def subscribed(self) -> bool:
        """Whether any subscription stands: such a client is right to say nothing."""
        ...

    def close(self) -> None:
        """End all subscriptions, at the end of the connection."""
        ...


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Origin:
    """One client's way in. ``feed`` is None where no events can be sent.

    ``who`` is what the client has proved to be: ``token NAME`` or ``certificate NAME``; blank where nothing was asked.
    """

    port: Port
    peer: str
    feed: Feed | None = None
    who: str = ""
