"""The HTTP server, in the loop of the box."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import socket
import ssl
from collections.abc import Iterator
from typing import final

import uvicorn
from fastapi import FastAPI

from appliance.ports.gate import Gate, Visit
from appliance.ports.listening import Listening
from appliance.ports.reach import tell
from appliance.settings.models import Listener
from appliance.webapi.connection import ConnectionOnTerms

logger = logging.getLogger(__name__)

STOP_S = 5
"""How long requests that came before stop() may take."""
_LEAST_HEAD_BYTES = 16 << 10
_NEVER_S = 10 * 365 * 86_400


@final
class _Embedded(uvicorn.Server):
    """Server that leaves signals to the box and sockets to :mod:`appliance.ports`, and tells when it listens."""

    def __init__(self, config: uvicorn.Config, gate: Gate, context: ssl.SSLContext | None) -> None:
        super().__init__(config)
        self.listening = Listening(gate, self._connection, context)
        self.ready = asyncio.Event()
        self.servers: list[asyncio.Server] = []

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        del sockets
        await self.lifespan.startup()
        await self.listening.start()
        self.started = True
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen no more, answer what has come."""
        await self.listening.close()
        await super().shutdown(sockets)

    def _connection(self, visit: Visit) -> ConnectionOnTerms:
        return ConnectionOnTerms(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state, visit=visit
        )


@final
class WebServer:
    """Serves an application on a listener's address. :attr:`task` ends only by stop(), or by a failure.

    ``context`` is needed where the settings ask for TLS; ``name`` is the port's in the log and at ``/metrics``.
    """

    def __init__(
        self, settings: Listener, app: FastAPI, context: ssl.SSLContext | None = None, *, name: str = "web"
    ) -> None:
        self.gate = Gate(name, settings)
        self._app = app
        self._context = context
        self._server: _Embedded | None = None
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen. Raises AddressError when the address cannot be had."""
        settings = self.gate.settings
        config = uvicorn.Config(
            self._app,
            http=ConnectionOnTerms,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=math.ceil(settings.silent_s) or _NEVER_S,
            timeout_graceful_shutdown=STOP_S,
            h11_max_incomplete_event_size=max(_LEAST_HEAD_BYTES, settings.max_message_bytes),
        )
        self._server = _Embedded(config, self.gate, self._context)
        self.task = asyncio.get_running_loop().create_task(self._server.serve(), name=f"{self.gate.name} server")
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait((self.task, ready), return_when=asyncio.FIRST_COMPLETED)
        if self.task.done():
            ready.cancel()
            await self.task
        tell(logger, self.name, settings, self.port)

    @property
    def port(self) -> int:
        """Port that is listened on."""
        assert self._server is not None
        return self._server.listening.port

    @property
    def name(self) -> str:
        """What the port is for."""
        return self.gate.name

    async def stop(self) -> None:
        """Listen no more, answer what has come, close."""
        if self._server is not None and self.task is not None:
            self._server.should_exit = True
            await self.task
