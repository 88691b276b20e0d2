"""Boxes one after the other, fed with inputs, and what was found in them.

A finding is an error in the log, an answer that is no XML, a request without an answer, a connection that is not ended,
or a box that ended. Each is printed once as a line of JSON with its input, and the fuzzing goes on. The box is closed
and a fresh one opened every round, so that what a box remembers (every device it ever saw) does not pass for a leak.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import json
import logging
import os
import random
import re
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, Final, final

import psutil

from hil.fuzzing.visit import Round
from hil.fuzzing.words import WAYS, message

ANSWER_S: Final = 20.0
ROUND_S: Final = 120.0


@final
class Errors(logging.Handler):
    """Keeps what the box logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []
        logging.getLogger().addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the message, with its traceback."""
        error = record.exc_info[1] if record.exc_info else None
        trace = "".join(traceback.format_exception(error)) if error is not None else ""
        self.found.append(f"{record.name}: {record.getMessage()}\n{trace}")


@final
class Session:
    """What libFuzzer calls. ``change`` is its own way of changing an input of at most so many octets."""

    def __init__(self, seconds: float, change: Callable[[bytes, int], bytes]) -> None:
        self._change = change
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._errors = Errors()
        self._loop.set_exception_handler(self._in_loop)
        self._draw = random.Random()
        self._kinds: set[str] = set()
        self._begun_s = time.monotonic()
        self._end_s = self._begun_s + seconds
        self._round_s = min(ROUND_S, seconds / 4)
        self._rounds: list[dict[str, Any]] = []
        self._inputs = 0
        self._recordings = 0
        self._slowest_s = 0.0
        self._open()

    def one(self, octets: bytes) -> None:
        """Feed one input."""
        if octets:
            begun_s = time.monotonic()
            try:
                self._loop.run_until_complete(asyncio.wait_for(self._round.feed(octets), ANSWER_S))
            except Exception as error:  # noqa: BLE001 - whatever comes out is what is looked for
                kind = "not ended in time" if isinstance(error, TimeoutError) else ""
                self._errors.found.append(kind + "".join(traceback.format_exception(error)))
            self._inputs += 1
            self._slowest_s = max(self._slowest_s, time.monotonic() - begun_s)
            self._tell(octets)
        now_s = time.monotonic()
        if now_s >= self._end_s:
            self._end()
        elif now_s >= self._turn_s:
            self._close()
            self._open()

    def mutate(self, octets: bytes, longest: int, seed: int) -> bytes:
        """Change an input: libFuzzer's way mostly; or put a request of a declared type before, after or in place."""
        self._draw.seed(seed)
        way = octets[0] % WAYS if octets else self._draw.randrange(WAYS)
        match self._draw.randrange(8):
            case 0:
                way = self._draw.randrange(WAYS)
                return (bytes([way]) + message(self._draw, way))[:longest]
            case 1:
                return (octets + message(self._draw, way))[:longest]
            case 2:
                return (bytes([way]) + message(self._draw, way) + octets[1:])[:longest]
            case _:
                return self._change(octets, longest)

    def _in_loop(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        trace = "".join(traceback.format_exception(error)) if error else ""
        about = {key: value for key, value in context.items() if key not in {"message", "exception"}}
        self._errors.found.append(f"asyncio: {context['message']}\n{trace}{about}")

    def _tell(self, octets: bytes) -> None:
        for found in self._errors.found:
            kind = re.sub(r"0x[0-9a-f]+", "", "\n".join(found.strip().splitlines()[-4:]))[:400]
            if kind not in self._kinds:
                self._kinds.add(kind)
                say("finding", {"text": found, "input": octets.hex()})
        self._errors.found.clear()

    def _open(self) -> None:
        self._round = Round(self._loop)
        self._turn_s = time.monotonic() + self._round_s

    def _close(self) -> None:
        facts = self._round.facts()
        self._recordings += facts["recordings"]
        facts["open_mib"] = _memory_mib()
        self._round.close()
        del self._round
        forget_applications()
        facts |= {"inputs": self._inputs, "closed_mib": _memory_mib(), "objects": len(gc.get_objects())}
        self._tell(b"")
        self._rounds.append(facts)
        say("round", facts)

    def _end(self) -> None:
        self._close()
        facts = {
            "inputs": self._inputs,
            "seconds": round(time.monotonic() - self._begun_s, 1),
            "slowest_s": round(self._slowest_s, 3),
            "recordings": self._recordings,
            "rounds": self._rounds,
        }
        say("end", facts)
        os._exit(0)


def forget_applications() -> None:
    """Empty FastAPI's caches: they hold the endpoints of every application of the process, and so each closed box."""
    caches = type(functools.cache(len))
    for cache in [one for one in gc.get_objects() if isinstance(one, caches)]:
        if cache.__module__.startswith("fastapi"):
            cache.cache_clear()
    gc.collect()


def say(kind: str, facts: dict[str, Any]) -> None:
    """Tell ``bench/fuzz.py``."""
    sys.stdout.write(json.dumps({kind: facts}) + "\n")
    sys.stdout.flush()


def _memory_mib() -> float:
    held_bytes: int = psutil.Process().memory_full_info().uss
    return round(held_bytes / 2**20, 1)
