"""Where a request came from, and what that way in can do beyond an answer."""

from __future__ import annotations

import dataclasses
import enum
import ipaddress
from collections.abc import Iterable
from typing import Protocol, final

from appliance.settings.models import Network


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

    def cut_off(self) -> None:
        """Close at once, so that the client notices that something failed."""
        ...


class Feed(Protocol):
    """The event subscriptions of one connection."""

    def subscribe(self, event_class: str, event_type: str, xref: str) -> str:
        """Begin a subscription and give its EVENTXREF; a blank ``xref`` lets the feed count.

        ``event_type`` is blank for every type of the class. Raises SubscriptionDoubleError.
        """
        ...

    def unsubscribe(self, xref: str) -> None:
        """End a subscription. Raises SubscriptionUnknownError."""
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


def is_allowed(address: str, networks: Iterable[Network]) -> bool:
    """Whether the peer's address lies in one of the networks; an IPv4 address mapped into IPv6 counts as IPv4."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in networks)
