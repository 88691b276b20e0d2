"""Every call that was told to the box, and what became of it, so that calls can be set against recordings."""

from __future__ import annotations

import datetime as dt
from typing import Any, final

import peewee
import pydantic

from appliance.calls.fields import CallFields
from appliance.store.database import Database
from appliance.store.tables import CallRow, RecordingRow

RECORDED = "recorded"
INTERRUPTED = "interrupted"
"""Outcomes that this room acts upon; the others are whatever the recorder says (no schedule, no channel, ...)."""


@final
class LoggedCall(pydantic.BaseModel):
    """One call. ``outcome`` is what became of it, empty while it is open; ``reason`` says why.

    ``record_id`` is None where there is no recording.
    """

    model_config = pydantic.ConfigDict(frozen=True)

    global_call_id: str
    core_id: int
    device_id: str
    call_instance: str = ""
    started_at: dt.datetime
    stopped_at: dt.datetime | None = None
    outcome: str = ""
    reason: str = ""
    record_id: int | None = None
    fields: CallFields = CallFields()


@final
class Calls:
    """The log of calls. Every coroutine raises DatabaseError when the database could not do it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, call: LoggedCall) -> None:
        """Put a call in, or replace what is known of it."""
        await self._database.write(lambda database: _save(database, call))

    async def by_id(self, global_call_id: str) -> LoggedCall | None:
        """Give the call of that id."""
        found = await self._calls(CallRow.global_call_id == global_call_id, limit=1)
        return found[0] if found else None

    async def started_between(self, begin: dt.datetime, end: dt.datetime, limit: int = 1000) -> list[LoggedCall]:
        """Give the calls that began in ``[begin, end)``, newest first, at most ``limit``."""
        return await self._calls((CallRow.started_at >= begin) & (CallRow.started_at < end), limit)

    async def unmatched(self, limit: int = 1000) -> list[LoggedCall]:
        """Give the calls that are said to be recorded and have no record, newest first."""
        known = RecordingRow.select().where(_same_call())
        return await self._calls((CallRow.outcome == RECORDED) & ~peewee.fn.EXISTS(known), limit)

    async def end_open(self, stopped_at: dt.datetime, reason: str) -> int:
        """End the calls that a killed box left open, as interrupted; give their number."""
        update = CallRow.update(outcome=INTERRUPTED, stopped_at=stopped_at, reason=reason)
        query = update.where(CallRow.stopped_at.is_null())
        return await self._database.write(lambda database: int(query.execute(database)))

    async def _calls(self, condition: Any, limit: int) -> list[LoggedCall]:
        newest = (CallRow.started_at.desc(), CallRow.global_call_id.desc())
        query = CallRow.select().where(condition).order_by(*newest).limit(limit).dicts()
        found: list[dict[str, Any]] = await self._database.read(lambda database: list(query.execute(database)))
        return [LoggedCall.model_validate(row) for row in found]


def _same_call() -> Any:
    return peewee.fn.LOWER(RecordingRow.global_call_id) == peewee.fn.LOWER(CallRow.global_call_id)


def _save(database: peewee.Database, call: LoggedCall) -> None:
    values = call.model_dump()
    CallRow.insert(values).on_conflict(
        conflict_target=[CallRow.global_call_id], preserve=[getattr(CallRow, name) for name in values]
    ).execute(database)
