"""Listeners on free ports with services in memory, and plain clients for them."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable
from typing import Any

from appliance.bus.commands import Services
from appliance.eventproxy.feed import EventProxy
from appliance.events.bus import EventBus
from appliance.messages.origin import Port
from appliance.messages.samples import sample_services
from appliance.ports.tokens import TokenFile
from appliance.settings.models import ApiSettings, EventSettings, WebSettings
from appliance.webapi.app import web_api
from appliance.webapi.server import WebServer
from appliance.xmlapi.server import XmlServer

TEST = b"<REQUEST><TYPE>TEST</TYPE><REQUESTID>%d</REQUESTID></REQUEST>"
WAIT_S = 10


@dataclasses.dataclass
class Serving:
    """A listener and what stands behind it."""

    server: XmlServer
    services: Services
    bus: EventBus
    proxy: EventProxy

    async def connect(self, **options: Any) -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port, **options)
        return Client(reader, writer)


@dataclasses.dataclass
class Client:
    """A client that reads whole documents."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, octets: bytes) -> None:
        self.writer.write(octets)
        await asyncio.wait_for(self.writer.drain(), WAIT_S)

    async def read(self, end: bytes = b"</RESULT>\r\n") -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(end), WAIT_S)

    async def rest(self) -> bytes:
        return await asyncio.wait_for(self.reader.read(), WAIT_S)

    async def ask(self, octets: bytes) -> bytes:
        await self.send(octets)
        return await self.read()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(self.writer.wait_closed(), WAIT_S)


@contextlib.asynccontextmanager
async def xml_serving(
    port: Port = Port.COMMANDS,
    services: Services | None = None,
    events: EventSettings | None = None,
    bus: EventBus | None = None,
    **settings: Any,
) -> AsyncIterator[Serving]:
    terms = ApiSettings(port=0, **settings)
    services = services or sample_services(terms)
    bus = bus or EventBus()
    proxy = EventProxy(bus, events or EventSettings(), services.api)
    server = XmlServer(terms, services, port, proxy.feed)
    await server.start()
    try:
        yield Serving(server, services, bus, proxy)
    finally:
        await server.stop()


@contextlib.asynccontextmanager
async def web_serving(
    services: Services | None = None, tokens_file: TokenFile | None = None, **settings: Any
) -> AsyncIterator[WebServer]:
    terms = WebSettings(port=0, **settings)
    server = WebServer(terms, web_api(services or sample_services(), tokens=tokens_file))
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def code_of(answer: bytes) -> int:
    return int(answer.partition(b"<RESULTCODE>")[2].partition(b"<")[0])


def value_of(answer: bytes, name: str) -> str:
    return answer.partition(f"<{name}>".encode())[2].partition(b"<")[0].decode()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what nobody tells."""
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - a peer's doing, seen only by looking
            await asyncio.sleep(0.01)


class Endless:
    """Stands for the exporter: its files have no end. ``closed`` is set when one was closed."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    def media_type(self, suffix: str) -> str:
        return f"audio/{suffix}"

    async def open(self, *_: object) -> tuple[None, AsyncIterator[bytes]]:
        return None, self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 65536
        finally:
            self.closed.set()
