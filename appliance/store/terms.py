"""What a site calls things: the terminology that clients show instead of our words."""

from __future__ import annotations

from typing import final

import peewee

from appliance.store.database import Database
from appliance.store.registry_tables import TermRow

DEFAULTS: dict[str, str] = {
    "agent": "Agent",
    "ani": "CallerID ANI",
    "callcopygroup": "CallCopy group",
    "devicealias": "Agent Number",
    "deviceid": "Voice Port",
    "dnis": "Number Called DNIS",
    "gate": "ACD Gate",
    "group": "Group",
    "user1": "Account Number",
    "user2": "CSN",
}
"""The terms that are always there, with their words while nobody has changed them. From the interface's chapter 3."""


@final
class Terms:
    """The terms, named in lower case. Every coroutine raises DatabaseError when the database could not do it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> dict[str, str]:
        """Give every term with its word, in alphabetical order."""
        query = TermRow.select(TermRow.name, TermRow.value).tuples()
        changed: list[tuple[str, str]] = await self._database.read(lambda database: list(query.execute(database)))
        return dict(sorted((DEFAULTS | dict(changed)).items()))

    async def put(self, name: str, value: str) -> None:
        """Change a term's word, or add a term."""
        insert = TermRow.insert(name=name.lower(), value=value)
        query = insert.on_conflict(conflict_target=[TermRow.name], preserve=[TermRow.value])
        await self._database.write(lambda database: _execute(database, query))

    async def drop(self, name: str) -> bool:
        """Take back a change, or a term that was added; False if there is none of that name."""
        query = TermRow.delete().where(TermRow.name == name.lower())
        return await self._database.write(lambda database: _execute(database, query))


def _execute(database: peewee.Database, query: peewee.Query) -> bool:
    return bool(query.execute(database))
