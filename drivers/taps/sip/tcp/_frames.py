"""The messages in a stream of octets (RFC 3261, 18.3), read as PJSIP will: header by header, then Content-Length."""

from __future__ import annotations

import dataclasses
import re
from typing import Final, final

LONGEST: Final = 4000
"""Octets of a message that PJSIP can read."""
_HEAD_BYTES: Final = 1 << 16
_BODY_BYTES: Final = 1 << 20
_END: Final = b"\n\r\n"
_LENGTH: Final = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_CALL_ID: Final = re.compile(rb"^(?:call-id|i)[ \t]*:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)
_SEQUENCE: Final = re.compile(rb"^cseq[ \t]*:[ \t]*\d+[ \t]+(\S+)", re.IGNORECASE | re.MULTILINE)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """A message. ``octets`` are empty where it is longer than was allowed; ``head`` is there all the same."""

    head: bytes
    octets: bytes
    size: int

    @property
    def is_answer(self) -> bool:
        """Whether it is a response."""
        return self.head.startswith(b"SIP/")

    @property
    def code(self) -> int:
        """Code of a response; 0 of a request."""
        word = self.head[:16].split(b" ")[1:2]
        return int(word[0]) if self.is_answer and word and word[0].isdigit() else 0

    @property
    def method(self) -> bytes:
        """Method of a request, or of the request that a response belongs to; empty where it cannot be read."""
        if not self.is_answer:
            return self.head.split(b" ", 1)[0]
        found = _SEQUENCE.search(self.head)
        return found[1] if found else b""

    @property
    def call_id(self) -> str:
        """Call-ID; empty where there is none."""
        found = _CALL_ID.search(self.head)
        return found[1].decode(errors="replace") if found else ""


@final
class Frames:
    """One direction of a connection. After a ``fault`` nothing more is read: nobody knows where a message begins."""

    def __init__(self, longest: int) -> None:
        self.fault = ""
        self.faulty = b""  # head of the message that the fault lies in, where it was read
        self._longest = longest
        self._octets = bytearray()
        self._to_skip = 0
        self._looked = 0

    @property
    def begun(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._octets or self._to_skip)

    def push(self, octets: bytes) -> list[Frame]:
        """Take what came; gives the messages that it completes."""
        self._octets += octets
        found = []
        while not self.fault and (frame := self._next()) is not None:
            found.append(frame)
        return found

    def _next(self) -> Frame | None:
        self._skip()
        end = self._octets.find(_END, self._looked)
        if end < 0:
            self._looked = max(0, len(self._octets) - len(_END))
            if len(self._octets) > _HEAD_BYTES:
                self.fault = f"headers of more than {_HEAD_BYTES} octets"
            return None
        self._looked = end
        head = bytes(self._octets[: end + len(_END)])
        length = _LENGTH.search(head)
        if length is None or int(length[1]) > _BODY_BYTES:
            self.faulty = head
            self.fault = f"a body of more than {_BODY_BYTES} octets" if length else "no Content-Length"
            return None
        return self._cut(head, len(head) + int(length[1]))

    def _cut(self, head: bytes, size: int) -> Frame | None:
        if size > self._longest:
            self._to_skip = size
            self._skip()
            return Frame(head, b"", size)
        if len(self._octets) < size:
            return None
        octets = bytes(self._octets[:size])
        del self._octets[:size]
        self._looked = 0
        return Frame(head, octets, size)

    def _skip(self) -> None:
        """Leave out the rest of a message that is too long, and empty lines, by which peers keep connections alive."""
        skipped = min(self._to_skip, len(self._octets))
        if skipped:
            del self._octets[:skipped]
            self._to_skip -= skipped
            self._looked = 0
        if not self._to_skip and self._octets.startswith((b"\r", b"\n")):
            self._octets = self._octets.lstrip(b"\r\n")
            self._looked = 0
