"""The wire as it is: octets out, and documents back with every octet that came."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import re
import socket
from collections.abc import Iterator
from typing import Final, final

from appliance import clock
from appliance.errors import UnreachableError

_END: Final = re.compile(rb"</(RESULT|CALLCOPYEVENT)>")
_BLANKS: Final = re.compile(rb"[ \t\r\n\x00]*")
_TERMINATOR_S: Final = 0.5
_TERMINATOR_BYTES: Final = 2


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Heard:
    """What came. ``note`` tells why nothing whole came, blank where it did; ``status`` and type are HTTP's."""

    octets: bytes
    note: str = ""
    status: int = 200
    media_type: str = "text/xml"


@final
class Line:
    """One TCP connection. Raises UnreachableError when no box is there."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._rest = b""
        self._passed: list[Heard] = []  # what came while an answer was waited for
        try:
            self._socket = socket.create_connection((host, port), timeout_s)
        except OSError as error:
            raise UnreachableError(f"no box answers at {host}:{port}: {error}") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, octets: bytes, *, split: bool = False, half_close: bool = False) -> None:
        """Send; a box that hung up is seen when its answer is waited for."""
        pieces = [octets[at : at + 1] for at in range(len(octets))] if split else [octets]
        with contextlib.suppress(OSError):
            self._socket.settimeout(self._timeout_s)
            for piece in pieces:
                self._socket.sendall(piece)
            if half_close:
                self._socket.shutdown(socket.SHUT_WR)

    def answer(self) -> Heard:
        """Wait for the next RESULT; events between are kept for :meth:`told`."""
        for heard in self._documents():
            if heard.note or b"</RESULT>" in heard.octets:
                return heard
            self._passed.append(heard)
        raise AssertionError("documents end with a note")

    def told(self, device: str) -> Heard:
        """Wait for the next event of a device, or of EVENTCLASS SYSTEM, on a connection that asks, too."""
        marks = (f"<DEVICEID>{device}</DEVICEID>".encode(), b"<EVENTCLASS>SYSTEM</EVENTCLASS>")
        while self._passed:
            heard = self._passed.pop(0)
            if any(mark in heard.octets for mark in marks):
                return heard
        return next(h for h in self._documents() if h.note or any(mark in h.octets for mark in marks))

    def event(self, device: str) -> Heard:
        """Wait for the next event of a device."""
        mark = f"<DEVICEID>{device}</DEVICEID>".encode()
        return next(heard for heard in self._documents() if heard.note or mark in heard.octets)

    def end(self) -> Heard:
        """Wait until the box hangs up; the note is blank when it did."""
        deadline_s = clock.monotonic_s() + self._timeout_s
        while (data := self._receive(deadline_s)) is not None:
            if not data:
                return Heard(self._rest, f"the box did not hang up within {self._timeout_s:g} s")
            self._rest += data
        return Heard(self._rest)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _documents(self) -> Iterator[Heard]:
        """Give documents as they come; the last one has a note."""
        deadline_s = clock.monotonic_s() + self._timeout_s
        while True:
            while (end := _END.search(self._rest)) is None:
                data = self._receive(deadline_s)
                if not data:
                    yield Heard(self._rest, _silence(data, self._timeout_s))
                    return
                self._rest += data
            yield Heard(self._cut(end.end()))

    def _cut(self, end: int) -> bytes:
        """Take a document and the blanks behind it, which end it."""
        deadline_s = clock.monotonic_s() + _TERMINATOR_S
        while len(self._rest) < end + _TERMINATOR_BYTES and (data := self._receive(deadline_s)):
            self._rest += data
        blanks = _BLANKS.match(self._rest, end)
        cut = blanks.end() if blanks else end
        document, self._rest = self._rest[:cut], self._rest[cut:]
        return document

    def _receive(self, deadline_s: float) -> bytes | None:
        """Give what comes, nothing when the time is up, None when the box hung up."""
        self._socket.settimeout(max(deadline_s - clock.monotonic_s(), 0.001))
        try:
            return self._socket.recv(65536) or None
        except TimeoutError:
            return b""
        except OSError:
            return None


def _silence(data: bytes | None, timeout_s: float) -> str:
    return "the box hung up" if data is None else f"nothing whole came within {timeout_s:g} s"


def ask_web(host: str, port: int, timeout_s: float, method: str, target: str, form: bytes = b"") -> Heard:
    """Ask once over HTTP. Raises UnreachableError when no box is there."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
    with contextlib.closing(http.client.HTTPConnection(host, port, timeout=timeout_s)) as connection:
        try:
            connection.connect()
        except OSError as error:
            raise UnreachableError(f"no box answers at {host}:{port}: {error}") from error
        try:
            connection.request(method, target, form or None, headers)
            with connection.getresponse() as response:
                return Heard(response.read(), "", response.status, response.headers.get_content_type())
        except (OSError, http.client.HTTPException) as error:
            return Heard(b"", f"no whole answer over HTTP: {type(error).__name__} {error}")
