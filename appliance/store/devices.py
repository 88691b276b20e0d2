"""What is last known of every device ever seen, so that a restart does not forget it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, final

import peewee
import pydantic

from appliance.calls.fields import CallFields
from appliance.store.database import Database
from appliance.store.tables import DeviceRow


@final
class KnownDevice(pydantic.BaseModel):
    """One device; ``fields``, the moments and ``filename`` are its last call's (alias, users and station stand in)."""

    model_config = pydantic.ConfigDict(frozen=True)

    device_id: str
    is_trunk: bool = False
    first_seen_at: dt.datetime
    last_seen_at: dt.datetime
    call_instance: str = ""
    call_started_at: dt.datetime | None = None
    call_stopped_at: dt.datetime | None = None
    filename: str = ""
    fields: CallFields = CallFields()


@final
class Devices:
    """The devices' memory. Every coroutine raises DatabaseError when the database could not do it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, devices: Sequence[KnownDevice]) -> None:
        """Put devices in, or replace what is known of them; when one was first seen stays."""
        await self._database.write(lambda database: _save(database, devices))

    async def all(self) -> list[KnownDevice]:
        """Give every device by first sight."""
        query = DeviceRow.select().order_by(DeviceRow.first_seen_at, DeviceRow.device_id).dicts()
        found: list[dict[str, Any]] = await self._database.read(lambda database: list(query.execute(database)))
        return [KnownDevice.model_validate(row) for row in found]


def _save(database: peewee.Database, devices: Sequence[KnownDevice]) -> None:
    kept = {"device_id", "first_seen_at"}
    replaced = [getattr(DeviceRow, name) for name in KnownDevice.model_fields if name not in kept]
    for device in devices:
        insert = DeviceRow.insert(device.model_dump())
        insert.on_conflict(conflict_target=[DeviceRow.device_id], preserve=replaced).execute(database)
