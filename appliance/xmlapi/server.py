"""A TCP listener for XML: who may connect, how many, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import final

from appliance.bus.commands import Services
from appliance.messages.origin import Feed, Port, Sink, is_allowed
from appliance.settings.models import Listener
from appliance.xmlapi.connection import Connection, Terms

logger = logging.getLogger(__name__)

STOP_S = 5.0
"""How long requests that came before stop() may take."""


@final
class XmlServer:
    """Serves port 5620 or 5621 in the running loop. ``feed`` makes the event subscriptions of one connection."""

    def __init__(self, settings: Listener, services: Services, port: Port, feed: Callable[[Sink], Feed]) -> None:
        self._settings = settings
        self._terms = Terms(port, settings, services, feed, self._admit, self._leave)
        self._connections: set[Connection] = set()
        self._gone = asyncio.Event()  # set while nobody is connected
        self._gone.set()
        self._server: asyncio.Server | None = None
        self.refused = 0

    async def start(self) -> None:
        """Listen. Raises OSError when the address cannot be had."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._terms), self._settings.host, self._settings.port, backlog=512
        )
        logger.info("listening: %s on %s:%d", self._terms.port.value, self._settings.host, self.port)

    @property
    def port(self) -> int:
        """Port that is listened on."""
        assert self._server is not None
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    @property
    def name(self) -> str:
        """What the port is for."""
        return self._terms.port.value

    @property
    def connections(self) -> int:
        """Clients connected now."""
        return len(self._connections)

    async def stop(self) -> None:
        """Listen no more, answer what has come, close."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            connection.finish()
        try:
            await asyncio.wait_for(self._gone.wait(), STOP_S)
        except TimeoutError:
            logger.warning("stopped before every client had its answers: %s", self._terms.port.value)
            for connection in list(self._connections):
                connection.cut_off()
        await self._server.wait_closed()

    def _admit(self, connection: Connection) -> str:
        host = connection.peer.rpartition(":")[0]
        if not is_allowed(host, self._settings.allow):
            self.refused += 1
            return "address is not allowed"
        if len(self._connections) >= self._settings.max_connections:
            self.refused += 1
            return "too many connections"
        self._connections.add(connection)
        self._gone.clear()
        return ""

    def _leave(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._gone.set()
