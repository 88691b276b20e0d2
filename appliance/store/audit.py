"""Who did what to the box: a row for each change, export, mail and playback."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import datetime as dt
import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, final

import peewee
import pydantic

from appliance import clock
from appliance.errors import DatabaseError
from appliance.store.database import Database
from appliance.store.registry_tables import AuditRow

logger = logging.getLogger(__name__)

MOST_WAITING = 10_000
_BATCH = 200


@final
class AuditEntry(pydantic.BaseModel):
    """One thing that was done. ``port`` is the way in, ``peer`` the client's address, or the user on the box.

    ``who`` is the token or certificate that the client came with.

    ``before`` and ``after`` are the facts that changed, None where there were none (added, deleted, or only looked at).
    """

    model_config = pydantic.ConfigDict(frozen=True)

    audit_id: int = 0
    noted_at: dt.datetime
    port: str
    peer: str
    who: str = ""
    what: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


@final
class AuditFilter(pydantic.BaseModel):
    """Which entries are wanted. A blank text takes all; ``*`` stands for anything, letter case does not matter.

    ``peer`` takes an address with its port or without. ``since`` is the first moment, ``until`` the first one behind.
    """

    model_config = pydantic.ConfigDict(frozen=True)

    what: str = ""
    port: str = ""
    peer: str = ""
    who: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None


@contextlib.asynccontextmanager
async def open_audit(data_dir: Path) -> AsyncIterator[Audit]:
    """Give the audit of a box, whether it runs or not; what was noted there is written at the end.

    Raises DatabaseError.
    """
    database = Database(data_dir / "linetap.db")
    audit = Audit(database)
    try:
        yield audit
        await audit.flush()
    finally:
        await database.close()


@final
class Audit:
    """Notes at once and writes behind the answer's back. Implements ``appliance.bus.registry.Audit``.

    Every entry also stands in the log from the moment it is noted, so that one that the database cannot take, or that
    a killed box had not written yet, is not lost. At most :data:`MOST_WAITING` entries wait for a database that fails.
    """

    def __init__(self, database: Database, *, retry_s: float = 5.0) -> None:
        self._database = database
        self._retry_s = retry_s
        self._waiting: collections.deque[AuditEntry] = collections.deque()
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()
        self._failing = False

    def note(
        self,
        what: str,
        *,
        port: str,
        peer: str,
        who: str = "",
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Note that ``peer`` did ``what``; never waits, never raises.

        Values that JSON has no form for are kept as their text.
        """
        entry = AuditEntry(
            noted_at=clock.now(),
            port=port,
            peer=peer,
            who=who,
            what=what,
            before=_plain(before),
            after=_plain(after),
        )
        logger.info("audit: %s from %s on %s: %s", what, f"{peer} ({who})" if who else peer, port, _changes(entry))
        if len(self._waiting) >= MOST_WAITING:
            logger.error("audit: %s from %s stands in this log alone: too many entries wait", what, peer)
            return
        self._waiting.append(entry)
        self._wake.set()

    async def run(self) -> None:
        """Write for ever; a vital task."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not await self.flush():
                await asyncio.sleep(self._retry_s)
                self._wake.set()

    async def flush(self) -> bool:
        """Write what waits; False if the database did not take it all."""
        async with self._writing:
            while self._waiting:
                batch = [self._waiting[n] for n in range(min(len(self._waiting), _BATCH))]
                try:
                    await self._insert(batch)
                except DatabaseError as error:
                    if not self._failing:
                        logger.error("audit: %d entries wait for the database: %s", len(self._waiting), error)  # noqa: TRY400 - told there
                    self._failing = True
                    return False
                self._failing = False
                for _ in batch:
                    self._waiting.popleft()
            return True

    async def newest(self, limit: int = 1000, wanted: AuditFilter | None = None) -> list[AuditEntry]:
        """Give what was done last, newest first; of ``wanted`` alone. Raises DatabaseError."""
        conditions = _conditions(wanted or AuditFilter())
        order = (AuditRow.noted_at.desc(), AuditRow.audit_id.desc())
        query = AuditRow.select().where(*conditions).order_by(*order).limit(limit).dicts()
        rows: list[dict[str, Any]] = await self._database.read(lambda database: list(query.execute(database)))
        return [AuditEntry.model_validate(row) for row in rows]

    async def _insert(self, batch: list[AuditEntry]) -> None:
        rows = [entry.model_dump(exclude={"audit_id"}) for entry in batch]
        await self._database.write(lambda database: _insert(database, rows))


def _insert(database: peewee.Database, rows: list[dict[str, Any]]) -> None:
    AuditRow.insert_many(rows).execute(database)


def _conditions(wanted: AuditFilter) -> Iterator[peewee.Expression | bool]:
    yield AuditRow.audit_id.is_null(False)  # so that there is always one
    for field, text in ((AuditRow.what, wanted.what), (AuditRow.port, wanted.port), (AuditRow.who, wanted.who)):
        if text:
            yield _like(field, text)
    if wanted.peer:
        yield _like(AuditRow.peer, wanted.peer) | _like(AuditRow.peer, f"{wanted.peer}:*")
    if wanted.since:
        yield AuditRow.noted_at >= wanted.since
    if wanted.until:
        yield AuditRow.noted_at < wanted.until


def _like(field: Any, text: str) -> peewee.Expression:
    pattern = text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_").replace("*", "%")
    return peewee.Expression(
        field, peewee.OP.ILIKE, peewee.NodeList((peewee.Value(pattern), peewee.SQL("ESCAPE '\\'")))
    )


def _plain(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    plain: dict[str, Any] | None = None if values is None else json.loads(json.dumps(dict(values), default=str))
    return plain


def _changes(entry: AuditEntry) -> str:
    return f"{json.dumps(entry.before)} -> {json.dumps(entry.after)}"
