"""One HTTP connection, kept to the listener's terms before a byte of it is read."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

from appliance.messages.origin import is_allowed
from appliance.settings.models import Listener

logger = logging.getLogger(__name__)


class ConnectionOnTerms(H11Protocol):
    """Drops peers that are not allowed or too many, and those that do not send a request in time."""

    settings: ClassVar[Listener]
    _idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Take the connection if the terms allow it."""
        super().connection_made(transport)
        peer = self.client or ("", 0)
        if reason := self._objection(peer[0]):
            logger.warning("connection refused: %s:%d on port web: %s", *peer, reason)
            transport.abort()
            return
        self._idle = self.loop.call_later(self.settings.idle_s, self._give_up)

    def data_received(self, data: bytes) -> None:
        """Read, unless the connection was dropped."""
        if not self.transport.is_closing():
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer too."""
        if self._idle is not None:
            self._idle.cancel()
        super().connection_lost(exc)

    def _objection(self, host: str) -> str:
        if not is_allowed(host, self.settings.allow):
            return "address is not allowed"
        return "too many connections" if len(self.connections) > self.settings.max_connections else ""

    def _give_up(self) -> None:
        # The first request must have come; between later ones uvicorn's own limit counts.
        if getattr(self, "scope", None) is None:
            logger.info("connection closed: %s sent no request in time", self.client)
            self.transport.close()


def connection_class(settings: Listener) -> type[ConnectionOnTerms]:
    """Give the class of a listener's connections: uvicorn builds them from a class."""
    return type("Connection", (ConnectionOnTerms,), {"settings": settings})
