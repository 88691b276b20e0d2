"""A way to carry SIP messages of any length to one far end: UDP, TCP or TLS."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Literal, final

Transport = Literal["udp", "tcp", "tls"]
_LENGTH = re.compile(rb"^content-length\s*:\s*(\d+)", re.IGNORECASE | re.MULTILINE)


@final
class Channel(asyncio.DatagramProtocol):
    """An open channel. ``on_message`` takes every message from the far end."""

    def __init__(self, transport: Transport, on_message: Callable[[bytes], None]) -> None:
        self.transport = transport
        self.address = ("127.0.0.1", 0)
        self._on_message = on_message
        self._datagrams: asyncio.DatagramTransport | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    async def open(self, host: str, port: int, certificate: Path | None = None) -> None:
        """Open it; over TLS the far end has to prove itself by ``certificate``."""
        if self.transport == "udp":
            loop = asyncio.get_running_loop()
            self._datagrams, _ = await loop.create_datagram_endpoint(lambda: self, remote_addr=(host, port))
            self.address = self._datagrams.get_extra_info("sockname")[:2]
            return
        context = ssl.create_default_context(cafile=certificate) if self.transport == "tls" else None
        reader, self._writer = await asyncio.open_connection(host, port, ssl=context)
        self.address = self._writer.get_extra_info("sockname")[:2]
        self._reading = asyncio.create_task(self._read(reader))

    def send(self, message: str) -> None:
        """Send one message."""
        if self._datagrams is not None:
            self._datagrams.sendto(message.encode())
        elif self._writer is not None:
            self._writer.write(message.encode())

    async def close(self) -> None:
        """Close it."""
        if self._datagrams is not None:
            self._datagrams.close()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    def datagram_received(self, data: bytes, _: object) -> None:
        """Take a message."""
        self._on_message(data)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                found = _LENGTH.search(head)
                body = await reader.readexactly(int(found[1])) if found else b""
                self._on_message(head.lstrip(b"\r\n") + body)
