"""The file behind the store: one thread that writes, a few that read, and errors told to the one who asked.

Writers that wait at the same time share one transaction, so that a slow disk's sync is paid once; each has a savepoint
of its own. A writer is answered after the commit (WAL, synchronous FULL), so what was answered survives ``kill -9``
and power loss. After any failure the connection is opened anew: a database that was locked, full or away works again
with the next request. Readers open a connection each time, which costs about 0.2 ms and leaves nothing to repair.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, final

import peewee

from appliance.errors import DatabaseError, LinetapError
from appliance.store import schema

logger = logging.getLogger(__name__)

_T = TypeVar("_T")
Job = Callable[[peewee.Database], _T]
"""A piece of work on an open connection; runs in a thread of the store, in a transaction if it writes."""

_GROUP = 64


@final
@dataclasses.dataclass(slots=True)
class _Write:
    """A write that waits for its turn, and afterwards its answer."""

    job: Job[Any]
    value: Any = None
    error: LinetapError | None = None
    settled: bool = False


@final
class Database:
    """One SQLite file. Coroutines of any loop may call it; :meth:`write` and :meth:`read` never block the loop.

    ``busy_s`` is how long a request waits for a lock that another process holds.
    """

    def __init__(self, path: Path, *, busy_s: float = 2.0, readers: int = 3) -> None:
        self.path = path
        self._own = peewee.SqliteDatabase(
            str(path),
            pragmas={"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1},
            lock_type="IMMEDIATE",
            timeout=busy_s,
        )
        self._shared = peewee.SqliteDatabase(str(path), pragmas={"query_only": 1}, timeout=busy_s)
        self._writer = ThreadPoolExecutor(1, "store-write")
        self._readers = ThreadPoolExecutor(readers, "store-read")
        self._waiting: collections.deque[_Write] = collections.deque()
        self._migrated = False
        self._closed = False

    async def open(self) -> None:
        """Make or update the tables. Raises DatabaseError; every later request tries it again."""
        await self.write(_nothing)

    async def close(self) -> None:
        """Finish what waits, and close the file."""
        if self._closed:
            return
        self._closed = True
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._writer, self._commit_waiting)
        await loop.run_in_executor(self._writer, self._disconnect)
        for pool in (self._writer, self._readers):
            await loop.run_in_executor(None, pool.shutdown)

    async def write(self, job: Job[_T]) -> _T:
        """Run the job in a transaction, and give its value once that is on the disk.

        Raises DatabaseError, or what the job raised of our own errors; then nothing of it was kept.
        """
        self._refuse_if_closed()
        write = _Write(job)
        self._waiting.append(write)
        await asyncio.get_running_loop().run_in_executor(self._writer, self._commit_waiting)
        if write.error is not None:
            raise write.error
        if not write.settled:
            raise DatabaseError("the write was undone with another one's fault")
        value: _T = write.value
        return value

    async def read(self, job: Job[_T]) -> _T:
        """Run the job on what is committed. Raises DatabaseError, or what the job raised of our own errors."""
        self._refuse_if_closed()
        if not self._migrated:
            await self.write(_nothing)
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, job)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise DatabaseError("the store is closed")

    def _read(self, job: Job[_T]) -> _T:
        try:
            with self._shared.connection_context():
                return job(self._shared)
        except peewee.PeeweeException as error:
            raise self._told(error) from error

    # --- the writing thread

    def _commit_waiting(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), _GROUP))]
            try:
                self._commit(group)
            except (peewee.PeeweeException, LinetapError, OSError) as error:
                self._disconnect()
                text = error.detail if isinstance(error, DatabaseError) else self._told(error).detail
                for write in group:
                    write.error = DatabaseError(text)

    def _commit(self, group: list[_Write]) -> None:
        self._connect()
        with self._own.atomic():
            for write in group:
                self._attempt(write)
        for write in group:
            write.settled = write.error is None

    def _attempt(self, write: _Write) -> None:
        try:
            with self._own.savepoint():
                write.value = write.job(self._own)
        except LinetapError as error:
            write.error = error
        except peewee.PeeweeException as error:
            connection: sqlite3.Connection = self._own.connection()  # type: ignore[no-untyped-call]
            if not connection.in_transaction:  # SQLite undid the whole of it: disk full, I/O error
                raise
            write.error = self._told(error)

    def _connect(self) -> None:
        if not self._own.is_closed():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._own.connect()
        schema.migrate(self._own)
        self._migrated = True

    def _disconnect(self) -> None:
        try:
            self._own.close()
        except peewee.PeeweeException as error:
            logger.warning("database %s did not close well: %s", self.path, error)

    def _told(self, error: BaseException) -> DatabaseError:
        while isinstance(
            error.__context__, peewee.PeeweeException | sqlite3.Error
        ):  # it failed again while it was undone
            error = error.__context__
        logger.error("database %s: %s: %s", self.path, type(error).__name__, error)
        return DatabaseError(f"database: {error}")


def _nothing(database: peewee.Database) -> None:
    del database
