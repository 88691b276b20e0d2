"""A TCP listener for XML: its connections, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import final

from appliance.bus.commands import Services
from appliance.messages.origin import Feed, Port, Sink
from appliance.ports.gate import Gate, Visit
from appliance.ports.listening import Listening
from appliance.ports.reach import tell
from appliance.settings.models import Listener
from appliance.xmlapi.connection import Connection, Terms

logger = logging.getLogger(__name__)

STOP_S = 5.0
"""How long requests that came before stop() may take."""


@final
class XmlServer:
    """Serves port 5620 or 5621 in the running loop. ``feed`` makes the event subscriptions of one connection.

    ``context`` is needed where the settings ask for TLS.
    """

    def __init__(
        self,
        settings: Listener,
        services: Services,
        port: Port,
        feed: Callable[[Sink], Feed],
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.gate = Gate(port.value, settings)
        self._terms = Terms(port, settings, services, feed, self._enter, self._leave)
        self._listening = Listening(self.gate, self._connection, context)
        self._connections: set[Connection] = set()
        self._gone = asyncio.Event()  # set while nobody is connected
        self._gone.set()
        self._started = False

    async def start(self) -> None:
        """Listen. Raises AddressError when the address cannot be had."""
        await self._listening.start()
        self._started = True
        tell(logger, self.name, self.gate.settings, self.port)

    @property
    def port(self) -> int:
        """Port that is listened on."""
        return self._listening.port

    @property
    def name(self) -> str:
        """What the port is for."""
        return self.gate.name

    @property
    def connections(self) -> int:
        """Clients connected now."""
        return self.gate.connections

    @property
    def refused(self) -> int:
        """Connections that were turned away."""
        return self.gate.refused_connections

    async def stop(self) -> None:
        """Listen no more, answer what has come, close."""
        if not self._started:
            return
        await self._listening.close()
        for connection in list(self._connections):
            connection.finish()
        try:
            await asyncio.wait_for(self._gone.wait(), STOP_S)
        except TimeoutError:
            logger.warning("stopped before every client had its answers: %s", self._terms.port.value)
            for connection in list(self._connections):
                connection.cut_off()

    def _connection(self, visit: Visit) -> Connection:
        return Connection(self._terms, visit)

    def _enter(self, connection: Connection) -> None:
        self._connections.add(connection)
        self._gone.clear()

    def _leave(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._gone.set()
