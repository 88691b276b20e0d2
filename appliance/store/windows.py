"""What the agents' desktops last reported of themselves. Names count without regard to letter case."""

from __future__ import annotations

import datetime as dt
from typing import Any, final

import peewee
import pydantic

from appliance.store.database import Database
from appliance.store.registry_tables import WindowRow


@final
class Window(pydantic.BaseModel):
    """One report: who works at which computer, and in which application's window."""

    model_config = pydantic.ConfigDict(frozen=True)

    computer_name: str
    user_name: str
    domain: str = ""
    ip_address: str = ""
    status: str = "AVAILABLE"
    application_title: str = ""
    reported_at: dt.datetime


@final
class Windows:
    """The latest report of each computer and user. Every coroutine raises DatabaseError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, window: Window) -> None:
        """Keep a report, in place of the last one of its computer and user."""
        await self._database.write(lambda database: _put(database, window))

    async def latest(self, *, computer_name: str = "", user_name: str = "") -> Window | None:
        """Give the latest report that has every name given (one at least)."""
        wanted = {WindowRow.computer_name: computer_name, WindowRow.user_name: user_name}
        given = [_same(field, name) for field, name in wanted.items() if name]
        query = WindowRow.select().where(*given).order_by(WindowRow.reported_at.desc()).limit(1).dicts()
        found: list[dict[str, Any]] = await self._database.read(lambda database: list(query.execute(database)))
        return Window.model_validate(found[0]) if found else None


def _same(field: Any, value: str) -> Any:
    return peewee.fn.LOWER(field) == peewee.fn.LOWER(value)


def _put(database: peewee.Database, window: Window) -> None:
    of_both = _same(WindowRow.computer_name, window.computer_name) & _same(WindowRow.user_name, window.user_name)
    WindowRow.delete().where(of_both).execute(database)
    WindowRow.insert(window.model_dump()).execute(database)
