"""A lock that the kernel releases when its holder dies, however it dies (flock)."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from pathlib import Path
from typing import Self, final

from appliance.clock import monotonic_s, now
from appliance.spool.layout import Spool

_RETRY_S = 0.02
_YOUNG_S = 60


class LockHeldError(Exception):
    """Another process holds the lock."""


@final
class FileLock:
    """An exclusive lock on a file, held until :meth:`release` or the end of the process.

    A child that was forked without exec would hold it too; descriptors are closed on exec.
    """

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self._fd = fd

    @classmethod
    def acquire(cls, path: Path, *, wait_s: float = 0.5) -> Self:
        """Make the file and lock it.

        Whoever tests the lock holds it shared for an instant, so it is tried for ``wait_s``. Raises LockHeldError.
        """
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        until = monotonic_s() + wait_s
        while not _try(fd, fcntl.LOCK_EX):
            if monotonic_s() >= until:
                os.close(fd)
                raise LockHeldError(str(path))
            time.sleep(_RETRY_S)
        return cls(path, fd)

    def release(self) -> None:
        """Release it; a second time does nothing. The file stays."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def acquire_worker_lock(spool: Spool, tap: str, index: int) -> FileLock:
    """Lock a new file for this life of a tap's worker. Its path goes into every session that the worker opens."""
    spool.create()
    return FileLock.acquire(spool.worker_lock(tap, index))


def is_held(path: Path) -> bool:
    """Tell whether a living process holds the lock. A file that is not there is held by nobody."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _try(fd, fcntl.LOCK_SH)
    finally:
        os.close(fd)


def sweep_worker_locks(spool: Spool, needed: set[Path]) -> None:
    """Delete files of locks that nobody holds and no session in ``needed`` speaks of.

    Young files stay: their worker may be just about to lock them.
    """
    for path in spool.workers.glob("*.lock"):
        with contextlib.suppress(FileNotFoundError):
            age_s = now().timestamp() - path.stat().st_mtime
            if path not in needed and age_s > _YOUNG_S and not is_held(path):
                path.unlink()


def _try(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except OSError as fault:
        if fault.errno != errno.EWOULDBLOCK:
            raise
        return False
    return True
