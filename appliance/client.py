"""A small blocking client of ports 5620 and 5621, as an integrator would write one.

The command line, the demonstration, the bench and the end-to-end tests drive a box with it. It knows the wire only:
nothing here is shared with the server, so that a fault of the server is not hidden by the same fault in its client.
"""

from __future__ import annotations

import dataclasses
import itertools
import socket
import ssl
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self, final
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from appliance import clock
from appliance.errors import UnreachableError

_RESULT_END = b"</RESULT>"
_EVENT_END = b"</CALLCOPYEVENT>"


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """One RESULT. ``root`` is the whole document; paths count from below it, as in ``DEVICES/DEVICE``."""

    root: ET.Element

    @property
    def code(self) -> int:
        """RESULTCODE; 20 is API_OK."""
        return int(self.text("RESULTCODE"))

    @property
    def label(self) -> str:
        """RESULTTYPE."""
        return self.text("RESULTTYPE")

    @property
    def message(self) -> str:
        """RESULTMSG."""
        return self.text("RESULTMSG")

    def text(self, path: str) -> str:
        """Text of the first element at ``path``, empty where there is none."""
        return (self.root.findtext(path) or "").strip()

    def rows(self, path: str) -> list[dict[str, str]]:
        """Every element at ``path`` as name -> text; what is nested one level deeper is laid beside it."""
        return [_flat(element) for element in self.root.findall(path)]


@final
@dataclasses.dataclass(frozen=True, slots=True)
class EventSeen:
    """One event as it came: class, type and its data by element name, in the order of the wire.

    ``sequence`` is None where the subscription did not ask for it.
    """

    event_class: str
    event_type: str
    data: dict[str, str]
    sequence: int | None = None


class _Stream:
    """One connection, cut into documents by their closing root tag."""

    def __init__(self, host: str, port: int, timeout_s: float, context: ssl.SSLContext | None) -> None:
        self._where = f"{host}:{port}"
        self._rest = b""
        self._timeout_s = timeout_s
        try:
            self._socket = socket.create_connection((host, port), timeout_s)
            if context:
                self._socket = context.wrap_socket(self._socket, server_hostname=host)
        except OSError as error:
            raise UnreachableError(f"no box answers at {self._where}: {error}") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, document: bytes) -> None:
        try:
            self._socket.sendall(document)
        except OSError as error:
            raise UnreachableError(f"{self._where} took no request: {error}") from error

    def document(self, end: bytes, timeout_s: float | None = None) -> ET.Element:
        """Wait for the next document. Raises TimeoutError, or UnreachableError when the box hung up."""
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        deadline_s = clock.monotonic_s() + limit_s
        while (found := self._rest.find(end)) < 0:
            left_s = deadline_s - clock.monotonic_s()
            if left_s <= 0:
                raise TimeoutError(f"{self._where} sent nothing whole within {limit_s:g} s")
            self._rest += self._receive(left_s)
        cut = found + len(end)
        document, self._rest = self._rest[:cut], self._rest[cut:]
        return ET.fromstring(document.strip())  # noqa: S314 - the box that we chose to ask

    def _receive(self, timeout_s: float) -> bytes:
        self._socket.settimeout(timeout_s)
        try:
            data = self._socket.recv(65536)
        except TimeoutError:
            return b""
        except OSError as error:
            raise UnreachableError(f"{self._where} broke off: {error}") from error
        if not data:
            raise UnreachableError(f"{self._where} hung up")
        return data

    def close(self) -> None:
        self._socket.close()


@final
class Client:
    """A connection to port 5620. Raises :class:`UnreachableError` when no box is there; not for several threads.

    With a ``context`` it speaks TLS.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 5620,
        *,
        timeout_s: float = 10,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._stream = _Stream(host, port, timeout_s, context)
        self._numbers = itertools.count(1)

    def request(self, values: Mapping[str, str | int]) -> Answer:
        """Send one request (``TYPE`` and its parameters) and wait for its answer. REQUESTID is added if absent."""
        self._stream.send(encode({"REQUESTID": next(self._numbers), **values}))
        return Answer(self._stream.document(_RESULT_END))

    def close(self) -> None:
        """Hang up."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


@final
class EventClient:
    """A subscription on port 5621. Raises :class:`UnreachableError` when no box is there or it refuses.

    ``more`` are further values of the request: ``{"SINCE": 1204}`` takes up behind the event of that SEQUENCE.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 5621,
        *,
        event_class: str = "ALL",
        more: Mapping[str, str | int] | None = None,
        timeout_s: float = 10,
    ) -> None:
        self._stream = _Stream(host, port, timeout_s, None)
        values = {"TYPE": "EVENTS", "REQUESTID": 0, "EVENTCLASS": event_class, "EVENTTYPE": "", **(more or {})}
        self._stream.send(encode(values))
        self.answer = Answer(self._stream.document(_RESULT_END))
        """What the box said to the subscription."""
        if self.answer.code != 20:
            self.close()
            raise UnreachableError(f"no subscription: {self.answer.label}: {self.answer.message}")

    def next(self, timeout_s: float) -> EventSeen:
        """Wait for the next event. Raises TimeoutError."""
        root = self._stream.document(_EVENT_END, timeout_s)
        data = root.find("EVENTDATA")
        sequence = root.findtext("SEQUENCE")
        return EventSeen(
            event_class=root.findtext("EVENTCLASS") or "",
            event_type=root.findtext("EVENTTYPE") or "",
            data={} if data is None else _flat(data),
            sequence=int(sequence) if sequence else None,
        )

    def events(self, quiet_s: float) -> Iterator[EventSeen]:
        """Give events as they come, and end after ``quiet_s`` seconds without one."""
        while True:
            try:
                yield self.next(quiet_s)
            except TimeoutError:
                return

    def close(self) -> None:
        """Hang up."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def encode(values: Mapping[str, str | int]) -> bytes:
    """Write one REQUEST, UTF-8, ended by CR LF."""
    body = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in values.items())
    return f"<REQUEST>{body}</REQUEST>\r\n".encode()


def _flat(element: ET.Element) -> dict[str, str]:
    values: dict[str, str] = {}
    for child in element:
        if len(child):
            values |= {inner.tag: (inner.text or "").strip() for inner in child}
        else:
            values[child.tag] = (child.text or "").strip()
    return values
