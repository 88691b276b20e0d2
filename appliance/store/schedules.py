"""Schedules that were added to a box beside those of its settings file. Names count without letter case."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, final

import peewee
import pydantic

from appliance.settings.models import ScheduleSettings
from appliance.store.audit import Audit
from appliance.store.database import Database
from appliance.store.tables import RecordingRow, ScheduleRow

logger = logging.getLogger(__name__)


@final
class StoredSchedule(pydantic.BaseModel):
    """One schedule, with the same keys as in the settings file."""

    model_config = pydantic.ConfigDict(frozen=True)

    schedule_id: int
    settings: ScheduleSettings
    added_at: dt.datetime
    modified_at: dt.datetime


@final
class Schedules:
    """The schedules. Every coroutine raises DatabaseError when the database could not do it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[StoredSchedule]:
        """Give them in the order of their creation; one that makes no sense is left out and told in the log."""
        query = ScheduleRow.select().order_by(ScheduleRow.schedule_id).dicts()
        rows: list[dict[str, Any]] = await self._database.read(lambda database: list(query.execute(database)))
        return [found for row in rows if (found := _schedule(row))]

    async def add(self, settings: ScheduleSettings, at: dt.datetime) -> bool:
        """Add one behind all others; False if one of that name is there."""
        return await self._database.write(lambda database: _add(database, settings, at))

    async def replace(self, name: str, settings: ScheduleSettings, at: dt.datetime) -> bool:
        """Change one in its place, its name too; False if there is none, or another one has the new name."""
        return await self._database.write(lambda database: _replace(database, name, settings, at))

    async def remove(self, name: str) -> bool:
        """Take one away; False if there is none of that name."""
        query = ScheduleRow.delete().where(_named(name))
        return await self._database.write(lambda database: bool(query.execute(database)))

    async def taken_since(self, moment: dt.datetime) -> dict[str, int]:
        """How many recordings of each schedule began since then."""
        counted = peewee.fn.COUNT(RecordingRow.record_id)
        query = RecordingRow.select(RecordingRow.schedule, counted).where(RecordingRow.started_at >= moment)
        grouped = query.group_by(RecordingRow.schedule).tuples()
        return await self._database.read(lambda database: dict(grouped.execute(database)))


@contextlib.asynccontextmanager
async def open_schedules(data_dir: Path) -> AsyncIterator[tuple[Schedules, Audit]]:
    """Give the schedules of a box, whether it runs or not, and its audit; what was noted there is written at the end.

    Raises DatabaseError.
    """
    database = Database(data_dir / "linetap.db")
    audit = Audit(database)
    try:
        yield Schedules(database), audit
        await audit.flush()
    finally:
        await database.close()


def _schedule(row: dict[str, Any]) -> StoredSchedule | None:
    try:
        return StoredSchedule.model_validate(row)
    except pydantic.ValidationError as error:
        logger.error("schedule %r is left out: %s", row["name"], error)  # noqa: TRY400 - the text says it
        return None


def _named(name: str) -> Any:
    return peewee.fn.LOWER(ScheduleRow.name) == peewee.fn.LOWER(name)


def _add(database: peewee.Database, settings: ScheduleSettings, at: dt.datetime) -> bool:
    if ScheduleRow.select().where(_named(settings.name)).exists(database):
        return False
    document = settings.model_dump(mode="json")
    ScheduleRow.insert(name=settings.name, settings=document, added_at=at, modified_at=at).execute(database)
    return True


def _replace(database: peewee.Database, name: str, settings: ScheduleSettings, at: dt.datetime) -> bool:
    same = name.lower() == settings.name.lower()
    if not same and ScheduleRow.select().where(_named(settings.name)).exists(database):
        return False
    document = settings.model_dump(mode="json")
    update = ScheduleRow.update(name=settings.name, settings=document, modified_at=at).where(_named(name))
    return bool(update.execute(database))
