"""Which device stands at which station, as IMPORTSTATION tells it. Names count without regard to letter case."""

from __future__ import annotations

from typing import final

import peewee

from appliance.store.database import Database
from appliance.store.registry_tables import StationRow


@final
class Stations:
    """The stations. Every coroutine raises DatabaseError when the database could not do it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[tuple[str, str]]:
        """Give (station, device) by station."""
        return await self._database.read(_all)

    async def device_of(self, station_name: str) -> str | None:
        """Give the device that stands at the station."""
        return await self._database.read(lambda database: _device_of(database, station_name))

    async def station_of(self, device_id: str) -> str | None:
        """Give the station that the device stands at."""
        return await self._database.read(lambda database: _station_of(database, device_id))

    async def remove(self, station_name: str) -> bool:
        """Forget the station; False if there is none of that name."""
        query = StationRow.delete().where(_same(StationRow.station_name, station_name))
        return await self._database.write(lambda database: bool(query.execute(database)))

    async def assign(self, device_id: str, station_name: str) -> str:
        """Put the device at the station, and forget every other place of either; give the device as it is stored."""
        return await self._database.write(lambda database: _assign(database, device_id, station_name))


def _all(database: peewee.Database) -> list[tuple[str, str]]:
    query = StationRow.select(StationRow.station_name, StationRow.device_id).order_by(StationRow.station_name)
    return [(name, device) for name, device in query.tuples().execute(database)]


def _same(field: peewee.Field[str], value: str) -> peewee.Expression:
    expression: peewee.Expression = peewee.fn.LOWER(field) == peewee.fn.LOWER(value)
    return expression


def _device_of(database: peewee.Database, station_name: str) -> str | None:
    query = StationRow.select(StationRow.device_id).where(_same(StationRow.station_name, station_name)).tuples()
    found: list[tuple[str]] = list(query.execute(database))
    return found[0][0] if found else None


def _station_of(database: peewee.Database, device_id: str) -> str | None:
    query = StationRow.select(StationRow.station_name).where(_same(StationRow.device_id, device_id)).tuples()
    found: list[tuple[str]] = list(query.execute(database))
    return found[0][0] if found else None


def _assign(database: peewee.Database, device_id: str, station_name: str) -> str:
    either = _same(StationRow.station_name, station_name) | _same(StationRow.device_id, device_id)
    StationRow.delete().where(either).execute(database)
    StationRow.insert(station_name=station_name, device_id=device_id).execute(database)
    stored = _device_of(database, station_name)
    return stored or ""
