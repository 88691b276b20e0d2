"""Cut a stream of bytes into messages. Pure: no clock, no socket.

A message begins at its root element and is complete at the root's closing tag; whatever terminator follows, or none,
does not matter (contract B.1). What cannot become a message becomes a :class:`Fault`, which is answered with 16.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from typing import final

GARBAGE_BYTES = 64 * 1024
"""Bytes that are no element are refused a line at a time, and at the latest after this many."""

_BLANKS = re.compile(rb"(?:[ \t\r\n\f\v\x00]|\xef\xbb\xbf)+")
_LINE_END = re.compile(rb"[\r\n]")
_ROOT = re.compile(rb"<([A-Za-z_:\x80-\xff][^\s/<>\x00\"'=&]{0,127})(?=[\s/<>\x00\"'=&])")
_ROOT_BEGUN = re.compile(rb"<(?:[A-Za-z_:\x80-\xff][^\s/<>\x00\"'=&]{0,127})?\Z")
_TAG_MARK = re.compile(rb"[<>\"']")
_DOCTYPE_MARK = re.compile(rb"[\[>]")
_BETWEEN = re.compile(rb"(?:[\s\x00]|<!--.*?-->|<\?.*?\?>)*", re.DOTALL)
_SUBSET_END = re.compile(rb"\]\s*>")
_DOCTYPE = b"<!DOCTYPE"
_OPENINGS = (b"<!--", _DOCTYPE, b"\xef\xbb\xbf")


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """Bytes that are no message. After a ``fatal`` one nothing more can be read from the stream."""

    reason: str
    fatal: bool = False


Item = bytes | Fault


@functools.lru_cache(maxsize=128)
def _body_marks(root: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"<!\[CDATA\[|<!--|</" + re.escape(root) + rb"\s*>", re.IGNORECASE)


@final
class Framer:
    """Cuts one stream. Memory is bounded by ``max_message_bytes`` and one read."""

    def __init__(self, max_message_bytes: int) -> None:
        self._max_message_bytes = max_message_bytes
        self._garbage_bytes = min(GARBAGE_BYTES, max_message_bytes)
        self._buffer = bytearray()
        self._dead = False
        self._begin()

    def _begin(self) -> None:
        self._at = 0  # everything before it has been looked at
        self._step = self._between
        self._root = b""
        self._closing = b""  # what ends the CDATA section, the comment or the quoted value that we are in

    @property
    def pending(self) -> bool:
        """Whether something has begun that is not complete."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Item]:
        """Take bytes and give what became complete, in order. Never raises."""
        found: list[Item] = []
        if self._dead:
            return found
        self._buffer += data
        while (item := self._next()) is not None:
            found.append(item)
            if isinstance(item, Fault) and item.fatal:
                self._dead = True
                self._buffer.clear()
                break
        return found

    def give_up(self, reason: str) -> list[Item]:
        """Forget what has begun (the peer fell silent or closed), and give the fault if there was anything."""
        begun = self.pending
        self._buffer.clear()
        self._begin()
        return [Fault(reason)] if begun else []

    def _next(self) -> Item | None:
        """Take steps until one gives an item or needs more bytes."""
        item: Item | bool = True
        while item is True:
            item = self._step()
        if isinstance(item, Fault):
            return item
        if len(item or self._buffer) > self._max_message_bytes:
            return Fault(f"message longer than {self._max_message_bytes} bytes", fatal=True)
        return item or None

    # Steps. Each gives an item, True when another step can follow at once, or False when more bytes are needed.

    def _between(self) -> Item | bool:
        """Skip what may stand between messages, and see what begins."""
        if blanks := _BLANKS.match(self._buffer):
            del self._buffer[: blanks.end()]
        buffer = self._buffer
        if not buffer or any(len(buffer) < len(o) and o.startswith(bytes(buffer).upper()) for o in _OPENINGS):
            return False
        if buffer.startswith(b"<?"):
            return self._skip_past(b"?>", 2)
        if buffer.startswith(b"<!--"):
            return self._skip_past(b"-->", 4)
        if buffer[: len(_DOCTYPE)].upper() == _DOCTYPE:
            self._at, self._step = len(_DOCTYPE), self._in_doctype
            return True
        if root := _ROOT.match(buffer):
            self._enter_root(root)
            return True
        return False if _ROOT_BEGUN.match(buffer) else self._garbage()

    def _skip_past(self, mark: bytes, least: int) -> bool:
        end = self._buffer.find(mark, max(least, self._at))
        if end < 0:
            self._at = max(least, len(self._buffer) - len(mark) + 1)
            return False
        del self._buffer[: end + len(mark)]
        self._at = 0
        return True

    def _garbage(self) -> Item | bool:
        line_end = _LINE_END.search(self._buffer, self._at, self._garbage_bytes)
        if line_end is None and len(self._buffer) < self._garbage_bytes:
            self._at = len(self._buffer)
            return False
        self._take(line_end.end() if line_end else self._garbage_bytes)
        return Fault("bytes that are no element")

    def _in_doctype(self) -> Item | bool:
        """A DOCTYPE is refused by the reader of the message; here it only belongs to the message that follows."""
        mark = _DOCTYPE_MARK.search(self._buffer, self._at)
        if mark is None:
            self._at = len(self._buffer)
            return False
        self._at = mark.end()
        self._step = self._before_root if mark[0] == b">" else self._in_subset
        return True

    def _in_subset(self) -> Item | bool:
        end = _SUBSET_END.search(self._buffer, self._at)
        if end is None:
            return False
        self._at, self._step = end.end(), self._before_root
        return True

    def _before_root(self) -> Item | bool:
        """Find the root after a DOCTYPE."""
        between = _BETWEEN.match(self._buffer, self._at)
        self._at = between.end() if between else self._at
        if root := _ROOT.match(self._buffer, self._at):
            self._enter_root(root)
            return True
        if self._at == len(self._buffer) or _ROOT_BEGUN.match(self._buffer, self._at):
            return False
        if bytes(self._buffer[self._at : self._at + 2]) in {b"<!", b"<?"}:
            return False
        self._take(self._at)
        return Fault("DOCTYPE without an element")

    def _enter_root(self, root: re.Match[bytes]) -> None:
        self._root = bytes(root[1])
        self._at, self._step = root.end(), self._in_root_tag

    def _in_root_tag(self) -> Item | bool:
        """Find the end of the root's opening tag, past quoted attribute values."""
        if self._closing:
            return self._past_closing()
        mark = _TAG_MARK.search(self._buffer, self._at)
        if mark is None:
            self._at = len(self._buffer)
            return False
        self._at = mark.end()
        if mark[0] == b"<":  # no tag after all: begin again with this one
            self._take(mark.start())
            return Fault("element whose tag does not end")
        if mark[0] != b">":
            self._closing = bytes(mark[0])
            return True
        if self._buffer[mark.start() - 1] == ord("/"):
            return self._take(mark.end())
        self._step = self._in_body
        return True

    def _in_body(self) -> Item | bool:
        """Find the root's closing tag, past comments and CDATA sections."""
        if self._closing:
            return self._past_closing()
        mark = _body_marks(self._root.lower()).search(self._buffer, self._at)
        if mark is None:
            last = self._buffer.rfind(b"<", self._at)  # a mark may have begun there
            self._at = len(self._buffer) if last < 0 else last
            return False
        if mark[0].startswith(b"</"):
            return self._take(mark.end())
        self._closing = b"-->" if mark[0] == b"<!--" else b"]]>"
        self._at = mark.end()
        return True

    def _past_closing(self) -> bool:
        end = self._buffer.find(self._closing, self._at)
        if end < 0:
            self._at = max(self._at, len(self._buffer) - len(self._closing) + 1)
            return False
        self._at, self._closing = end + len(self._closing), b""
        return True

    def _take(self, end: int) -> bytes:
        taken = bytes(self._buffer[:end])
        del self._buffer[:end]
        self._begin()
        return taken
