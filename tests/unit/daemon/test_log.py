"""How log records look."""

from __future__ import annotations

import io
import json
import logging
import os
import socket
from typing import TextIO

import pytest

from appliance import log


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def write(stream: TextIO, level: str = "info") -> None:
    log.set_up(level, stream)
    logger = logging.getLogger("room.part")
    logger.debug("no %s", "matter")
    logger.warning("line %d\nlost", 7)
    try:
        int("torn")
    except ValueError:
        logger.exception("failed")


def test_on_a_terminal_lines_for_people() -> None:
    stream = Terminal()
    write(stream)
    first = stream.getvalue().splitlines()[0]
    assert first.endswith(" WARNING room.part: line 7")


def test_elsewhere_one_json_object_a_line() -> None:
    stream = io.StringIO()
    write(stream)
    lost, failed = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (lost["level"], lost["logger"], lost["message"]) == ("warning", "room.part", "line 7\nlost")
    assert "ValueError: invalid literal" in failed["error"]


def test_in_the_journal_every_line_has_its_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, os.fdopen(os.dup(ours.fileno()), "w") as stream:
        there = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{there.st_dev}:{there.st_ino}")
        write(stream)
        stream.flush()
        lines = theirs.recv(65536).decode().splitlines()
    assert lines[:2] == ["<4>room.part: line 7", "<4>lost"]
    assert lines[2] == "<3>room.part: failed"
    assert all(line.startswith("<3>") for line in lines[2:])


def test_the_level_holds() -> None:
    stream = io.StringIO()
    write(stream, "debug")
    assert json.loads(stream.getvalue().splitlines()[0])["message"] == "no matter"
