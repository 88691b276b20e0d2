"""Where things lie in the spool: folders, names of sessions, files of locks, memory taken."""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
import shutil
from pathlib import Path
from typing import final

from appliance.clock import now
from appliance.units import SessionId

CAPTURE_FILE = "capture.jsonl"
ORDERS_FILE = "orders.jsonl"
WRITER_FILE = "writer.jsonl"

_UNSAFE = re.compile(r"[^A-Za-z0-9_]")
_COUNT = itertools.count(1)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class SpoolUsage:
    """Memory that the spool takes, and what its file system has left."""

    used_bytes: int
    free_bytes: int


@final
class Spool:
    """The folders below ``run_dir``. Holds no state but the path: every process makes its own."""

    def __init__(self, run_dir: Path) -> None:
        self.root = run_dir / "spool"
        self.workers = self.root / "workers"

    def create(self) -> None:
        """Make the folders, readable for the owner alone. Doing it twice is harmless."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.workers.mkdir(mode=0o700, exist_ok=True)

    def new_session_id(self, tap: str, line: str) -> SessionId:
        """Name a new session ``<utc yyyymmddThhmmssmmm>-<tap>-<line>-<pid>.<n>``.

        The process id keeps the core and the workers apart, which name sessions at the same time.
        """
        moment = now()
        stamp = f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03d}"
        return SessionId(f"{stamp}-{_safe(tap)}-{_safe(line)}-{os.getpid()}.{next(_COUNT)}")

    def folder(self, session: str) -> Path:
        """Folder of a session. Raises ValueError for a name that is no session's."""
        if not is_session_name(session):
            raise ValueError(f"no session's name: {session!r}")
        return self.root / session

    def worker_lock(self, tap: str, index: int) -> Path:
        """File of a lock for one life of worker ``index`` of the tap.

        Each life has a file of its own, or else the next life's lock would make the last one's sessions look alive.
        """
        return self.workers / f"{_safe(tap)}-{index}.{os.getpid()}-{next(_COUNT)}.lock"

    def writer_lock(self) -> Path:
        """File of the lock that keeps a second writer out."""
        return self.root / "writer.lock"

    def sessions(self) -> list[SessionId]:
        """Names of all sessions, oldest first; empty if there is no spool yet."""
        try:
            names = [path.name for path in self.root.iterdir()]
        except FileNotFoundError:
            return []
        return sorted(SessionId(name) for name in names if is_session_name(name))

    def delete(self, session: str) -> None:
        """Delete a session's folder; at once for readers, for it is renamed away first. None there is no fault."""
        gone = self.root / f".gone-{session}"
        try:
            self.folder(session).rename(gone)
        except FileNotFoundError:
            return
        shutil.rmtree(gone)

    def sweep(self) -> None:
        """Finish deletions that a killed process began."""
        for gone in self.root.glob(".gone-*"):
            shutil.rmtree(gone)

    def usage(self) -> SpoolUsage:
        """Add up the memory of all sessions' files (holes take none); stats every file."""
        used = 0
        for session in self.sessions():
            used += sum(_taken_bytes(path) for path in self.folder(session).glob("*"))
        return SpoolUsage(used, self.free_bytes())

    def free_bytes(self) -> int:
        """What the spool's file system has left."""
        room = os.statvfs(self.root)
        return room.f_bavail * room.f_frsize


def is_session_name(name: str) -> bool:
    """Tell whether a folder of that name in the spool is a session."""
    return name[:1].isdigit() and "/" not in name


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name)[:48] or "_"


def _taken_bytes(path: Path) -> int:
    try:
        return path.stat().st_blocks * 512
    except FileNotFoundError:  # its session was deleted meanwhile
        return 0
