"""The kept events as files in memory (``run_dir``), so that a box which is killed or started anew still has them.

An event is in its file before anybody is told of it, so the files hold every event behind their first one: where that
cannot be had, because the memory is full, they are all removed and begin anew. Writing to memory does not wait for a
disk. What a machine that is booted anew had kept is gone.
"""

from __future__ import annotations

import collections
import dataclasses
import errno
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import final

import pydantic

from appliance.events.types import EVENTS, Event

logger = logging.getLogger(__name__)

_PARTS = 4
_KINDS = {event.event_type: event for event in EVENTS}


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """An event with its number; ``at_s`` is its moment on the monotonic clock."""

    sequence: int
    at_s: float
    event: Event


@final
class EventJournal:
    """Files of one line an event, each named by its first number; the oldest go when the others hold ``keep``."""

    def __init__(self, folder: Path, keep: int) -> None:
        self._folder = folder
        self._keep = keep
        self._most_lines = max(keep // _PARTS, 1)
        self._parts: collections.deque[list[int]] = collections.deque()  # of each file: first number, lines
        self._file: int | None = None
        self._told = False

    def read(self) -> list[Kept]:
        """Read what an earlier life left; a last line that was cut off is an event that nobody was told of."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            files = sorted(self._folder.glob("*.jsonl"))
            kept: list[Kept] = []
            for path in files:
                lines = list(_read_lines(path))
                kept += lines
                self._parts.append([int(path.stem), len(lines)])
        except (OSError, ValueError, KeyError) as error:
            logger.error("events of before are not known: %s", error)  # noqa: TRY400 - the reason is in the text
            self._remove_all()
            return []
        return kept[-self._keep :]

    def append(self, kept: Kept) -> None:
        """Write an event; never raises."""
        try:
            self._write(kept.sequence, _line_of(kept))
        except OSError as error:
            if not self._told:
                logger.error("events outlive no restart: %s: %s", self._folder, error.strerror)  # noqa: TRY400
            self._told = True
            self._remove_all()
            return
        self._told = False
        self._parts[-1][1] += 1

    def close(self) -> None:
        """Close the file; it stays."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, sequence: int, line: bytes) -> None:
        if os.write(self._part(sequence), line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _part(self, sequence: int) -> int:
        """Give the file to write to, a new one when the last is full."""
        if self._file is not None and self._parts[-1][1] < self._most_lines:
            return self._file
        self.close()
        while len(self._parts) > 1 and sum(lines for _, lines in self._parts) - self._parts[0][1] >= self._keep:
            self._path(self._parts.popleft()[0]).unlink(missing_ok=True)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(self._path(sequence), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self._parts.append([sequence, 0])
        return self._file

    def _remove_all(self) -> None:
        self.close()
        self._parts.clear()
        for path in self._folder.glob("*.jsonl"):
            path.unlink(missing_ok=True)

    def _path(self, sequence: int) -> Path:
        return self._folder / f"{sequence:019d}.jsonl"


def _line_of(kept: Kept) -> bytes:
    event = kept.event
    written = event.model_dump(mode="json", exclude_defaults=True)
    return json.dumps([kept.sequence, kept.at_s, event.event_type, written]).encode() + b"\n"


def _read_lines(path: Path) -> Iterator[Kept]:
    """Read a file. Raises ValueError for a line that is damaged, but for a last one that was cut off."""
    *lines, cut = path.read_bytes().split(b"\n")
    del cut
    for line in lines:
        sequence, at_s, kind, written = json.loads(line)
        try:
            yield Kept(int(sequence), float(at_s), _KINDS[kind].model_validate(written))
        except pydantic.ValidationError as error:
            raise ValueError(f"{path.name}: {error.error_count()} faults in event {sequence}") from error
