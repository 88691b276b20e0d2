"""Where log records go and how they look: lines for people on a terminal, the journal's prefixes, JSON otherwise."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import sys
from typing import TextIO, final

LEVELS: tuple[str, ...] = ("debug", "info", "warning", "error")

_JOURNAL_PRIORITIES: dict[int, int] = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3}


def set_up(level: str = "info", stream: TextIO | None = None) -> None:
    """Send every logger's records of ``level`` and above to ``stream``, standard error if it is not given."""
    target = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(target)
    handler.setFormatter(_formatter(target))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def _formatter(stream: TextIO) -> logging.Formatter:
    if stream.isatty():
        return logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
    return JournalFormatter("%(name)s: %(message)s") if _is_journal(stream) else JsonFormatter()


def _is_journal(stream: TextIO) -> bool:
    """Tell whether the stream is the socket that systemd connected to its journal."""
    named = os.environ.get("JOURNAL_STREAM", "")
    try:
        there = os.fstat(stream.fileno())
    except OSError:  # a stream in memory has no file below it
        return False
    return named == f"{there.st_dev}:{there.st_ino}"


@final
class JournalFormatter(logging.Formatter):
    """A line with the journal's priority in front (sd-daemon(3)), each line of a traceback too."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        prefix = f"<{_JOURNAL_PRIORITIES.get(record.levelno, 2)}>"
        return "\n".join(prefix + line for line in super().format(record).split("\n"))


@final
class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        values = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            values["error"] = self.formatException(record.exc_info)
        return json.dumps(values, ensure_ascii=False)
