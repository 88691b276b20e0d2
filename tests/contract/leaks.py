"""What a test must not leave behind: threads, processes, open descriptors."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_SETTLE_S = 2.0


def _threads() -> set[str]:
    # The event loop's own executor ends with the loop, after the test.
    return {t.name for t in threading.enumerate() if not t.name.startswith("asyncio_")}


def _processes() -> set[str]:
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that ended meanwhile
            found.update(f"process {pid}" for pid in (task / "children").read_text().split())
    return found


def _descriptors() -> set[str]:
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found.add(f"{entry.name} -> {entry.readlink()}")
        except FileNotFoundError:  # the descriptor of this very listing
            continue
    return found


def _all() -> set[str]:
    return _threads() | _processes() | _descriptors()


@contextmanager
def nothing_left() -> Iterator[None]:
    """Fail if the block leaves more behind than it found."""
    before = _all()
    yield
    until_s = time.monotonic() + _SETTLE_S
    while (left := _all() - before) and time.monotonic() < until_s:
        gc.collect()  # what only waits for the collector is no leak
        time.sleep(0.02)
    assert not left, f"left behind by {os.environ.get('PYTEST_CURRENT_TEST')}: {sorted(left)}"
