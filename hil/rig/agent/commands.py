"""Runs one command and passes on what it prints while it prints it."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

from hil.rig.agent.wire import pack, unpack

PIECE_BYTES = 32 << 10
TIMED_OUT = 124  # as timeout(1) has it


def run(request: dict[str, Any], tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Run ``argv`` to its end; gives its exit code and the seconds that passed in here.

    A command that is over its time is killed with all that it started, and ends with :data:`TIMED_OUT`. One that
    was killed by a signal ends with minus its number. Raises OSError where it cannot be started.
    """
    begin_s = time.monotonic()
    with subprocess.Popen(
        request["argv"],
        cwd=request.get("cwd") or "/",
        env={**os.environ, **request.get("env", {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        in_time = _pass_on(process, begin_s + float(request["timeout_s"]), tell)
        if not in_time:
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    return {"code": code if in_time else TIMED_OUT, "seconds": time.monotonic() - begin_s}


def _pass_on(process: subprocess.Popen[bytes], deadline_s: float, tell: Callable[[dict[str, Any]], None]) -> bool:
    """Pass both outputs on until the command ended, or until the deadline: then False.

    A command has ended when it is gone itself: what it left running may hold its outputs open for ever.
    """
    with selectors.DefaultSelector() as ready:
        for name, pipe in (("out", process.stdout), ("err", process.stderr)):
            assert pipe is not None
            ready.register(pipe, selectors.EVENT_READ, name)
        ready.register(os.pidfd_open(process.pid), selectors.EVENT_READ, "end")
        try:
            while True:
                left_s = deadline_s - time.monotonic()
                if left_s <= 0:
                    return False
                found = {key.data: key for key, _ in ready.select(left_s)}
                heard = _read(found, ready, tell)
                if "end" in found and not heard:
                    return True
        finally:
            os.close(next(key.fd for key in ready.get_map().values() if key.data == "end"))


def _read(
    found: dict[str, selectors.SelectorKey], ready: selectors.BaseSelector, tell: Callable[[dict[str, Any]], None]
) -> bool:
    heard = False
    for name in ("out", "err"):
        if name not in found:
            continue
        data = os.read(found[name].fd, PIECE_BYTES)
        if data:
            tell({name: pack(data)})
            heard = True
        else:
            ready.unregister(found[name].fileobj)
    return heard


def put(request: dict[str, Any]) -> dict[str, Any]:
    """Write a piece of a file at ``offset``; at 0 the file is begun anew. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if request["offset"] == 0 else 0)
    os.makedirs(os.path.dirname(request["path"]), exist_ok=True)  # noqa: PTH103, PTH120 -- a path is a text here
    fd = os.open(request["path"], flags, int(request.get("mode", 0o644)))
    try:
        os.pwrite(fd, unpack(request["data"]), request["offset"])
    finally:
        os.close(fd)
    return {}


def get(request: dict[str, Any]) -> dict[str, Any]:
    """Read a piece of a file; shorter than asked for at its end. Raises OSError."""
    fd = os.open(request["path"], os.O_RDONLY)
    try:
        return {"data": pack(os.pread(fd, request["length"], request["offset"]))}
    finally:
        os.close(fd)


def set_clock(request: dict[str, Any]) -> dict[str, Any]:
    """Set the wall clock: a machine that was restored has the time at which it was saved."""
    time.clock_settime(time.CLOCK_REALTIME, request["unix_s"])
    return {}
