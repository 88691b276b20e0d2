"""One JSON object a line over a socket pair: the framing between the core and its children.

:class:`CorePipe` is the core's end, on its event loop; :class:`ChildPipe` the child's end, without one. Neither
``send`` waits: what the other side does not take yet is kept, up to :data:`MAX_BACKLOG_BYTES`.
"""

from __future__ import annotations

import asyncio
import select
import socket
import threading
from typing import Generic, TypeVar, final

import pydantic

from appliance.clock import monotonic_s
from appliance.errors import LinetapError

MAX_LINE_BYTES = 1 << 20
MAX_BACKLOG_BYTES = 16 << 20
_CHUNK_BYTES = 1 << 16

M = TypeVar("M")


class PipeError(LinetapError):
    """The other side sent what is no message, or takes nothing any more."""


def encode(message: pydantic.BaseModel) -> bytes:
    """Give the message as one line. Raises PipeError if it is longer than :data:`MAX_LINE_BYTES`."""
    line = message.model_dump_json().encode() + b"\n"
    if len(line) > MAX_LINE_BYTES:
        raise PipeError(f"a {type(message).__name__} of {len(line)} bytes is too long for the pipe")
    return line


def decode(adapter: pydantic.TypeAdapter[M], line: bytes) -> M:
    """Read one line. Raises PipeError."""
    try:
        return adapter.validate_json(line)
    except pydantic.ValidationError as error:
        raise PipeError(f"no message: {line[:200]!r}: {error.errors(include_url=False)[0]['msg']}") from error


@final
class _LastWords(asyncio.StreamReaderProtocol):
    """Takes a broken connection as its end, so that what the child said before it died is still read."""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how it broke does not matter
        super().connection_lost(None)


@final
class CorePipe(Generic[M]):
    """The core's end. All methods belong to the event loop."""

    def __init__(
        self, adapter: pydantic.TypeAdapter[M], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._adapter = adapter
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, end: socket.socket, adapter: pydantic.TypeAdapter[M]) -> CorePipe[M]:
        """Take over one end of a socket pair; ``adapter`` reads what the child says."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=MAX_LINE_BYTES)
        transport, protocol = await loop.create_connection(lambda: _LastWords(reader), sock=end)
        return cls(adapter, reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    def send(self, message: pydantic.BaseModel) -> None:
        """Send without waiting. To a child that is gone it does nothing: its end is told by :meth:`receive`.

        Raises PipeError when the child has taken nothing for :data:`MAX_BACKLOG_BYTES`.
        """
        if self._writer.transport.get_write_buffer_size() > MAX_BACKLOG_BYTES:
            raise PipeError("the child takes no messages")
        if not self._writer.is_closing():
            self._writer.write(encode(message))

    async def receive(self) -> M:
        """Wait for the next message. Raises EOFError when the child is gone (half a line is dropped), PipeError."""
        try:
            line = await self._reader.readline()
        except ValueError as error:
            raise PipeError(f"a line of more than {MAX_LINE_BYTES} bytes") from error
        if not line.endswith(b"\n"):
            raise EOFError
        return decode(self._adapter, line)

    def close(self) -> None:
        """Close the core's end; the child sees the end of the file. A second time does nothing."""
        self._writer.close()


@final
class ChildPipe(Generic[M]):
    """The child's end. :meth:`send` is for any thread, the rest for one."""

    def __init__(self, fd: int, adapter: pydantic.TypeAdapter[M]) -> None:
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(False)
        self._socket.set_inheritable(False)  # a grandchild must not keep the pipe open
        self._adapter = adapter
        self._lock = threading.Lock()
        self._unread = bytearray()
        self._unsent = bytearray()
        self._gone = False

    def send(self, message: pydantic.BaseModel) -> None:
        """Send without waiting. If the core is gone, or takes nothing, the next :meth:`receive` says so."""
        line = encode(message)
        with self._lock:
            self._unsent += line
            self._push()

    def receive(self, timeout_s: float) -> M | None:
        """Wait for the next message; None if none came in time.

        Raises EOFError when the core is gone or has taken nothing for :data:`MAX_BACKLOG_BYTES`, PipeError for what
        is no message.
        """
        deadline_s = monotonic_s() + timeout_s
        while True:
            line = self._line()
            if line is not None:
                return decode(self._adapter, line)
            if self._gone:
                raise EOFError
            if not self._turn(max(0.0, deadline_s - monotonic_s())):
                return None

    def flush(self, timeout_s: float) -> bool:
        """Wait until all is sent; False if that was not possible in time."""
        deadline_s = monotonic_s() + timeout_s
        while self._unsent and not self._gone and (left_s := deadline_s - monotonic_s()) > 0:
            self._turn(left_s)
        return not self._unsent

    def close(self) -> None:
        """Close the child's end."""
        self._socket.close()

    def _line(self) -> bytes | None:
        end = self._unread.find(b"\n")
        if end < 0:
            if len(self._unread) > MAX_LINE_BYTES:
                raise PipeError(f"a line of more than {MAX_LINE_BYTES} bytes")
            return None
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        return line

    def _turn(self, timeout_s: float) -> bool:
        """Wait for the socket and move what can be moved; False if the time passed without."""
        wanted = select.POLLIN | (select.POLLOUT if self._unsent else 0)
        poll = select.poll()
        poll.register(self._socket, wanted)
        ready = poll.poll(timeout_s * 1000)
        for _, seen in ready:
            if seen & select.POLLOUT:
                with self._lock:
                    self._push()
            if seen & (select.POLLIN | select.POLLHUP | select.POLLERR):
                self._pull()
        return bool(ready)

    def _pull(self) -> None:
        try:
            chunk = self._socket.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            chunk = b""
        self._unread += chunk
        self._gone = self._gone or not chunk

    def _push(self) -> None:
        """Send what the socket takes; the lock is held."""
        try:
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent)]
        except BlockingIOError:
            self._gone = self._gone or len(self._unsent) > MAX_BACKLOG_BYTES
        except ConnectionError:
            self._unsent.clear()
            self._gone = True
