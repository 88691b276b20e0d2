"""The recordings that the box has: put in, looked up, described anew."""

from __future__ import annotations

import datetime as dt
from typing import Any, final

import peewee

from appliance.calls.fields import CallFields
from appliance.errors import DatabaseError, ValueInvalidError
from appliance.recording.facts import Recording
from appliance.store import columns, rows
from appliance.store.database import Database
from appliance.store.tables import RecordingRow

_HOLDS_TOO = ("keep_days", "archive_action", "priority")
_NEWEST = (RecordingRow.started_at.desc(), RecordingRow.record_id.desc())


@final
class Records:
    """What messages ask of records (``appliance.bus.commands.Records``), and what the box does with them.

    Every coroutine raises DatabaseError when the database could not do it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def columns(self) -> frozenset[str]:
        """Names that UNIQUEFIELD may have, in lower case: API names and the later version's column names."""
        return frozenset(columns.BY_NAME)

    async def find_newest(self, column: str, value: str) -> Recording | None:
        """Newest record (by its begin, then its id) whose column has the value.

        ``column`` is a wire name that :meth:`columns` lists, in any letter case, else ValueInvalidError. A value
        that no record can have (letters for a number) finds nothing.
        """
        known = columns.BY_NAME.get(column.lower())
        if known is None:
            raise ValueInvalidError(f"records cannot be looked up by {column}")
        condition = columns.condition(known, value)
        if condition is None:
            return None
        found = await self._newest(condition, limit=1)
        return found[0] if found else None

    async def by_id(self, record_id: int) -> Recording | None:
        """Record of that id."""
        found = await self._newest(RecordingRow.record_id == record_id, limit=1)
        return found[0] if found else None

    async def started_between(self, begin: dt.datetime, end: dt.datetime, limit: int = 1000) -> list[Recording]:
        """Give the records that began in ``[begin, end)``, newest first, at most ``limit``."""
        condition = (RecordingRow.started_at >= begin) & (RecordingRow.started_at < end)
        return await self._newest(condition, limit)

    async def last_of_device(self, device_id: str) -> int | None:
        """Record id of the device's last recording. The device's name counts exactly, and a blank one has none."""
        if not device_id:
            return None
        lowered = peewee.fn.LOWER(RecordingRow.device_id) == peewee.fn.LOWER(device_id)  # so that its index serves
        found = await self._newest(lowered & (RecordingRow.device_id == device_id), limit=1)
        return found[0].record_id if found else None

    async def count(self) -> int:
        """How many records there are."""
        return await self._database.read(lambda database: int(RecordingRow.select().count(database)))

    async def save(self, recording: Recording) -> None:
        """Put a record in. Told again, what the file says is replaced; what clients have described since stays."""
        await self.save_all([recording])

    async def save_all(self, recordings: list[Recording]) -> None:
        """Put records in, all or none."""
        await self._database.write(lambda database: _save(database, recordings))

    async def add_missing(self, recordings: list[Recording]) -> int:
        """Put in those whose id is not there yet, and give their number."""
        return await self._database.write(lambda database: _add_missing(database, recordings))

    async def update(self, record_id: int, changes: dict[str, Any]) -> bool:
        """Change descriptive fields, ``device_id`` and ``device_alias``; False if there is no such record.

        Names are those of CallFields and ``device_id``, else KeyError. ``keep_days``, ``archive_action`` and
        ``priority`` change what holds for the record, too.
        """
        values = _values(changes)
        if not values:
            return await self.by_id(record_id) is not None
        return await self._database.write(lambda database: _update(database, record_id, values))

    async def _newest(self, condition: Any, limit: int) -> list[Recording]:
        query = RecordingRow.select().where(condition).order_by(*_NEWEST).limit(limit).dicts()
        found: list[dict[str, Any]] = await self._database.read(lambda database: list(query.execute(database)))
        return [_recording(row) for row in found]


def _recording(row: dict[str, Any]) -> Recording:
    try:
        return rows.recording_of(row)
    except ValueError as error:
        raise DatabaseError(f"record {row['record_id']} is damaged: {error}") from error


def _save(database: peewee.Database, recordings: list[Recording]) -> None:
    replaced = [getattr(RecordingRow, name) for name in rows.AUDIO_COLUMNS]
    for recording in recordings:
        insert = RecordingRow.insert(rows.row_of(recording))
        insert.on_conflict(conflict_target=[RecordingRow.record_id], preserve=replaced).execute(database)


def _add_missing(database: peewee.Database, recordings: list[Recording]) -> int:
    added = 0
    for recording in recordings:
        there = RecordingRow.select().where(RecordingRow.record_id == recording.record_id).exists(database)
        if not there:
            RecordingRow.insert(rows.row_of(recording)).execute(database)
            added += 1
    return added


def _values(changes: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in changes.items():
        if name == "device_id":
            values[name] = value
        elif name in CallFields.model_fields:
            values[rows.column_of_field(name)] = value
            if name in _HOLDS_TOO and value is not None and value >= 0:
                values[name] = value
        else:
            raise KeyError(name)
    return values


def _update(database: peewee.Database, record_id: int, values: dict[str, Any]) -> bool:
    changed = RecordingRow.update(values).where(RecordingRow.record_id == record_id).execute(database)
    return bool(changed)
