"""Listen on a port: every connection passes the gate and its TLS before the port's own protocol hears of it.

Connections are accepted here rather than by asyncio's servers, so that an address that is not allowed, or one of too
many, costs no TLS handshake, a handshake that never ends counts as a connection and is ended, and the first byte can
be looked at without being taken: 0x16 begins a TLS handshake and nothing that this box's ports speak in plain.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import final

from appliance.errors import AddressError
from appliance.ports.gate import Gate, Visit
from appliance.ports.refusals import Reason

logger = logging.getLogger(__name__)

BACKLOG = 512
_HANDSHAKE = b"\x16"
_LEAST_HANDSHAKE_S = 0.1
_SHUTDOWN_S = 5.0
"""How long a client may take to answer the end of a TLS session."""
_EXHAUSTED_S = 1.0
"""Pause after the system had no file or memory left for a connection."""


class _RefusedError(Exception):
    """The client does not come in."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@final
class Listening:
    """The sockets of one port. ``make`` gives the protocol of a connection; it calls ``leave()`` when that is lost.

    ``context`` is needed where the settings ask for TLS.
    """

    def __init__(
        self, gate: Gate, make: Callable[[Visit], asyncio.Protocol], context: ssl.SSLContext | None = None
    ) -> None:
        self.gate = gate
        self._make = make
        self._context = context
        self._tls = gate.settings.speaks if context else "off"
        self._sockets: list[socket.socket] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._entering: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen on every address of the host. Raises AddressError when one cannot be had."""
        settings = self.gate.settings
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(
                settings.host or None, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            for family, kind, protocol, _, address in dict.fromkeys(found):
                self._bind(socket.socket(family, kind, protocol), str(address[0]))
        except OSError as error:
            self._close_sockets()
            where = f"{settings.host}:{settings.port}"
            raise AddressError(f"port {self.gate.name} cannot listen on {where}: {error.strerror or error}") from error
        self._tasks = [loop.create_task(self._accept(one), name=f"port {self.gate.name}") for one in self._sockets]

    @property
    def port(self) -> int:
        """Port that is listened on."""
        bound: int = self._sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Listen no more, and drop who still stands at the door; connections that are in go on."""
        tasks = [*self._tasks, *self._entering]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._close_sockets()
        self.gate.refusals.close()

    def _bind(self, one: socket.socket, host: str) -> None:
        port = self.port if self._sockets else self.gate.settings.port
        self._sockets.append(one)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if one.family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::" or not self.gate.settings.host))
        one.bind((host, port))
        one.listen(BACKLOG)
        one.setblocking(False)

    def _close_sockets(self) -> None:
        for one in self._sockets:
            one.close()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(listener)
            except OSError as error:
                logger.error("port %s takes no connection for now: %s", self.gate.name, error)  # noqa: TRY400 - told there
                await asyncio.sleep(_EXHAUSTED_S)
                continue
            visit = self.gate.admit(address[0], address[1])
            if visit is None:
                connection.close()
            else:
                task = loop.create_task(self._enter(connection, visit))
                self._entering.add(task)
                task.add_done_callback(self._entering.discard)
            await asyncio.sleep(0)  # connections that come without end must not keep the loop from the others

    async def _enter(self, connection: socket.socket, visit: Visit) -> None:
        """Hand the connection to its protocol, or close it."""
        try:
            tls = await self._wants_tls(connection)
        except BaseException as error:
            connection.close()
            visit.leave()
            if isinstance(error, _RefusedError):
                visit.refuse(error.reason)
            elif not isinstance(error, ConnectionError):  # one that came, and went: a look whether the port is there
                raise
            return
        try:
            await self._connect(connection, visit, tls=tls)  # closes the socket if it fails
        except BaseException as error:
            visit.leave()
            if not isinstance(error, OSError):
                raise
            visit.refuse(*_told(error))

    async def _connect(self, connection: socket.socket, visit: Visit, *, tls: bool) -> None:
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: self._make(visit),
            connection,
            ssl=self._context if tls else None,
            ssl_handshake_timeout=max(_LEAST_HANDSHAKE_S, self.gate.settings.idle_s) if tls else None,
            ssl_shutdown_timeout=_SHUTDOWN_S if tls else None,
        )

    async def _wants_tls(self, connection: socket.socket) -> bool:
        """Tell whether the client begins a TLS handshake. Raises _RefusedError, ConnectionError."""
        if self._tls == "off":
            return False
        first = await self._first_byte(connection)
        if not first:
            raise ConnectionResetError
        if first != _HANDSHAKE and self._tls == "on":
            raise _RefusedError(Reason.PLAIN)
        return first == _HANDSHAKE

    async def _first_byte(self, connection: socket.socket) -> bytes:
        """Give the first byte and leave it where it is; empty if the client closed."""
        settings = self.gate.settings
        limit_s = settings.silent_s or (settings.idle_s if self._tls == "on" else None)
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(connection, readable.set)
        try:
            async with asyncio.timeout(limit_s):
                await readable.wait()
        except TimeoutError:
            raise _RefusedError(Reason.SILENT) from None
        finally:
            loop.remove_reader(connection)
        return connection.recv(1, socket.MSG_PEEK)


def _told(error: OSError) -> tuple[Reason, str]:
    if isinstance(error, ConnectionAbortedError):  # asyncio's word for a handshake that took too long
        return Reason.HANDSHAKE, ""
    return Reason.TLS, getattr(error, "reason", None) or str(error) or type(error).__name__
