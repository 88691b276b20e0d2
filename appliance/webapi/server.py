"""The HTTP server, in the loop of the box."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from typing import final

import uvicorn
from fastapi import FastAPI

from appliance.settings.models import Listener
from appliance.webapi.connection import connection_class

logger = logging.getLogger(__name__)

STOP_S = 5
"""How long requests that came before stop() may take."""


class _Embedded(uvicorn.Server):
    """Server that leaves signals to the box and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@final
class WebServer:
    """Serves an application on a listener's address. :attr:`task` ends only by stop(), or by a failure."""

    def __init__(self, settings: Listener, app: FastAPI) -> None:
        self._settings = settings
        self._app = app
        self._server: _Embedded | None = None
        self._socket: socket.socket | None = None
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen. Raises OSError when the address cannot be had."""
        self._socket = await _bind(self._settings.host, self._settings.port)
        config = uvicorn.Config(
            self._app,
            http=connection_class(self._settings),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=max(1, int(self._settings.idle_s)),
            timeout_graceful_shutdown=STOP_S,
        )
        self._server = _Embedded(config)
        self.task = asyncio.get_running_loop().create_task(self._server.serve([self._socket]), name="web server")
        listening = asyncio.create_task(self._server.listening.wait())
        await asyncio.wait((self.task, listening), return_when=asyncio.FIRST_COMPLETED)
        if self.task.done():
            listening.cancel()
            await self.task
        logger.info("listening: web on %s:%d", self._settings.host, self.port)

    @property
    def port(self) -> int:
        """Port that is listened on."""
        assert self._socket is not None
        bound: int = self._socket.getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Listen no more, answer what has come, close."""
        if self._server is not None and self.task is not None:
            self._server.should_exit = True
            await self.task


async def _bind(host: str, port: int) -> socket.socket:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
