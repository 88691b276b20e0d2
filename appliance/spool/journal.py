"""Append-only files of records, one JSON object a line, one author a file."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path
from typing import Any, Generic, TypeVar, final

import pydantic

from appliance.spool.holes import reserve

logger = logging.getLogger(__name__)

T = TypeVar("T")

_STEP_BYTES = 4096
_TAIL_BYTES = 1536  # kept for the records that end a file, so that an end can be told even in a full memory
_READ_BYTES = 1 << 16


@final
class Journal:
    """The author's side. Room is kept ahead, so that a full file system is met here last.

    Not thread-safe. An unfinished last line (its author died in a full memory) is cut off on opening.
    """

    def __init__(self, path: Path, *, reserve_bytes: int = _STEP_BYTES, new: bool = False) -> None:
        """Open the file, or make it. With ``new`` it must not be there: raises FileExistsError."""
        only_new = os.O_EXCL if new else 0
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | only_new, 0o600)
        self._length_bytes = _whole_lines_bytes(self._fd)
        os.ftruncate(self._fd, self._length_bytes)
        self._kept_bytes = reserve_bytes if reserve_bytes and reserve(self._fd, reserve_bytes) else 0

    def append(self, record: pydantic.BaseModel, *, last: bool = False) -> None:
        """Append one record by one write. Raises OSError (ENOSPC) and leaves the file as it was if there is no room.

        ``last`` may use the room that is kept for the end.
        """
        line = record.model_dump_json().encode() + b"\n"
        if not last and not self._keep(len(line) + _TAIL_BYTES):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = os.write(self._fd, line)
        if written < len(line):
            os.ftruncate(self._fd, self._length_bytes)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._length_bytes += written

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _keep(self, more_bytes: int) -> bool:
        wanted = self._length_bytes + more_bytes
        if wanted <= self._kept_bytes:
            return True
        kept = -(-wanted // _STEP_BYTES) * _STEP_BYTES
        if not reserve(self._fd, kept):
            return False
        self._kept_bytes = kept
        return True


@final
class JournalReader(Generic[T]):
    """A reader's side: gives each whole line once, in order. The file may not be there yet."""

    def __init__(self, path: Path, kind: pydantic.TypeAdapter[T]) -> None:
        self._path = path
        self._kind = kind
        self._fd = -1
        self._offset_bytes = 0

    def read(self) -> list[T]:
        """Give the records appended since the last time. A line that is no record is logged and left out."""
        if self._fd < 0 and not self._open():
            return []
        records: list[T] = []
        while True:
            block = os.pread(self._fd, _READ_BYTES, self._offset_bytes)
            lines, newline, _ = block.rpartition(b"\n")
            if not newline:
                return records
            self._offset_bytes += len(lines) + 1
            records += [record for line in lines.split(b"\n") if (record := self._parse(line)) is not None]

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> bool:
        try:
            self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        return True

    def _parse(self, line: bytes) -> T | None:
        try:
            return self._kind.validate_json(line)
        except pydantic.ValidationError:
            logger.exception("%s: a line is no record and is left out: %.200r", self._path, line)
            return None


def read_all(path: Path, kind: pydantic.TypeAdapter[Any]) -> list[Any]:
    """Read every record of a file, none if it is not there."""
    reader: JournalReader[Any] = JournalReader(path, kind)
    try:
        return reader.read()
    finally:
        reader.close()


def _whole_lines_bytes(fd: int) -> int:
    end = os.fstat(fd).st_size
    while end > 0:
        begin = max(0, end - _READ_BYTES)
        newline = os.pread(fd, end - begin, begin).rfind(b"\n")
        if newline >= 0:
            return begin + newline + 1
        end = begin
    return 0
