"""Bring one input to a box, by one of eight ways over real sockets, and judge what comes back.

The first octet of an input says which way the rest goes: to 5620 whole, in pieces, with the last message cut off, or
from a client that is gone before it is answered; to 5621; to the WebAPI as a query, as a form, or as raw octets in
place of HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import struct
import tempfile
from pathlib import Path
from typing import Any, Final, final
from urllib.parse import quote_from_bytes
from xml.parsers import expat

from appliance.box import Box
from appliance.settings.loader import load
from hil.child_box import HOST, memory_folder, write_toml
from hil.fuzzing.words import CUT, EVENTS, FORM, GONE, HTTP, PIECES, QUERY, WAYS, as_xml

LINGER: Final = struct.pack("ii", 1, 0)  # close by RST
TEST: Final = as_xml({"TYPE": "TEST", "REQUESTID": "2147483647"})
NO_ANSWER: Final = frozenset({HTTP, GONE})
"""Ways on which silence is no finding: octets that are no HTTP request, and a client that is gone."""


class NotAnsweredError(Exception):
    """The box did not answer as it should."""


@final
class Round:
    """One box, from its start to its close."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._folder = tempfile.TemporaryDirectory(prefix="linetap-fuzz-")
        self._path = Path(self._folder.name)
        self._memory = tempfile.TemporaryDirectory(prefix="linetap-fuzz-", dir=memory_folder())
        self.box = loop.run_until_complete(self._start())
        self._life = loop.create_task(self.box.run())

    async def _start(self) -> Box:
        (self._path / "data").mkdir()
        tables: dict[str, dict[str, Any]] = {
            "box": {"data_dir": self._path / "data", "run_dir": self._memory.name},
            "recording": {"reserve_mb": 0, "holdback_s": 1},
            "api": {"port": 0, "max_message_bytes": 2048, "max_requests_per_s": 0},
            "events": {"port": 0, "max_message_bytes": 2048, "max_requests_per_s": 0},
            "web": {"port": 0, "max_message_bytes": 2048, "max_requests_per_s": 0},
        }
        taps = [{"name": "lines", "kind": "virtual", "lines": 4}]
        file = self._path / "linetap.toml"
        file.write_text(write_toml(tables, {"taps": taps, "schedules": [{"name": "all"}]}))
        box = Box(load(file))
        await box.start()
        return box

    async def feed(self, octets: bytes) -> None:
        """Send one input its way. Raises NotAnsweredError; the box must have ended the connection by itself."""
        way, rest = octets[0] % WAYS, octets[1:]
        if self._life.done():
            raise NotAnsweredError("the box ended") from self._life.exception()
        with socket.socket() as client:
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.sock_connect(client, (HOST, self._port(way)))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # cut off; what it answered is judged
                for piece in pieces(way, rest):
                    await self._loop.sock_sendall(client, piece)
                    await asyncio.sleep(0)
            if way == GONE:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
                return
            if way not in {QUERY, FORM}:  # which ask for the end of the connection themselves
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_WR)
            answer = await self._read(client)
        check(way, answer)

    def _port(self, way: int) -> int:
        if way in {QUERY, FORM, HTTP}:
            return self.box.web.port
        return (self.box.event_port if way == EVENTS else self.box.api).port

    async def _read(self, client: socket.socket) -> bytes:
        answer = bytearray()
        try:
            while octets := await self._loop.sock_recv(client, 1 << 16):
                answer += octets
        except ConnectionResetError:
            pass  # what was still on its way when the box cut off; what it had answered is judged
        return bytes(answer)

    def facts(self) -> dict[str, Any]:
        """Count what this box remembers."""
        return {
            "devices": len(self._loop.run_until_complete(self.box.services.status.devices())),
            "recording_now": len(self.box.scheduler.active),
            "recordings": sum(1 for _ in self._path.rglob("*.wav")),
        }

    def close(self) -> None:
        """End the box in good order, and forget it."""
        if not self._life.done():
            signal.raise_signal(signal.SIGTERM)
        self._loop.run_until_complete(asyncio.gather(self._life, return_exceptions=True))
        self._loop.run_until_complete(asyncio.wait_for(self.box.close(), 60))
        self._folder.cleanup()
        self._memory.cleanup()


def pieces(way: int, octets: bytes) -> list[bytes]:
    """Give what is sent, in the order of sending."""
    if way == QUERY:
        target = quote_from_bytes(octets, safe="=&%+;?/").encode()
        return [b"GET /webAPI.aspx?%b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % target]
    if way == FORM:
        head = b"POST /webapi.php HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        return [head % len(octets) + octets]
    if way == PIECES and octets:
        size = 1 + octets[0] % 32
        return [octets[at : at + size] for at in range(0, len(octets), size)] + [TEST]
    return [octets] if way in {CUT, HTTP} else [octets + TEST]


def check(way: int, answer: bytes) -> None:
    """Raise NotAnsweredError unless it is a row of whole documents, at least one where something was asked."""
    if way in {QUERY, FORM, HTTP}:
        _check_http(way, answer)
        return
    least = 0 if way == CUT else 1
    documents = answer.split(b"</RESULT>\r\n")
    if len(documents) - 1 < least:
        raise NotAnsweredError(f"no answer: {answer[-300:]!r}")
    _parse(b"<ALL>" + answer + b"</ALL>")


def _check_http(way: int, answer: bytes) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head[9:12]
    if not answer and way in NO_ANSWER:
        return
    if not head.startswith(b"HTTP/1.1 ") or (way != HTTP and status not in {b"200", b"206", b"413", b"414"}):
        raise NotAnsweredError(f"no HTTP answer: {answer[:300]!r}")
    if status.startswith(b"5"):
        raise NotAnsweredError(f"HTTP failed: {answer[:300]!r}")
    if b"content-type: text/xml" in head.lower() and way != HTTP:
        _parse(body)


def _parse(document: bytes) -> None:
    try:
        expat.ParserCreate().Parse(document, True)
    except expat.ExpatError as error:
        raise NotAnsweredError(f"no XML: {error}: {document[-600:]!r}") from error
