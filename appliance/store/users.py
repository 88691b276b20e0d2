"""Users, who may see the calls of groups. As with agents, a deleted one keeps its row with status D.

Names count without regard to letter case.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, final

import peewee
import pydantic

from appliance.store.agents import DELETED
from appliance.store.database import Database
from appliance.store.registry_tables import AgentPhoneRow, AgentRow, UserGroupRow, UserRow


@final
class User(pydantic.BaseModel):
    """One user. ``status`` is A (active), I (inactive) or D (deleted).

    ``agent_id`` is None where the user is no agent, else ``phones`` are that agent's, in alphabetical order.
    """

    model_config = pydantic.ConfigDict(frozen=True)

    user_id: int
    user_name: str
    employee_id: str = ""
    first_name: str = ""
    last_name: str = ""
    agent_id: int | None = None
    status: str = "A"
    sys_user: str = ""
    sys_domain: str = ""
    email: str = ""
    crm_user: str = ""
    site_id: int = -1
    added_at: dt.datetime
    modified_at: dt.datetime
    phones: tuple[str, ...] = ()


@final
class Users:
    """The users. Every coroutine raises DatabaseError when the database could not do it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[User]:
        """Give every user that is not deleted, by id."""
        return await self._find(UserRow.status != DELETED)

    async def by_id(self, user_id: int) -> User | None:
        """Give the user of that id, deleted or not."""
        found = await self._find(UserRow.user_id == user_id)
        return found[0] if found else None

    async def by_name(self, user_name: str) -> User | None:
        """Give the user of that name who is not deleted."""
        found = await self._find(_named(user_name))
        return found[0] if found else None

    async def add(self, user_name: str, values: dict[str, Any], at: dt.datetime) -> tuple[int, bool]:
        """Add a user; give the id, and False where one of that name is there already and nothing was changed.

        ``values`` are by field of :class:`User`. Raises DatabaseError for an agent that is not there.
        """
        row = _columns(values) | {"user_name": user_name, "added_at": at, "modified_at": at}
        return await self._database.write(lambda database: _add(database, row))

    async def modify(self, user_id: int, values: dict[str, Any], at: dt.datetime) -> bool:
        """Change a user; False if there is none, or another one has the name."""
        row = _columns(values) | {"modified_at": at}
        return await self._database.write(lambda database: _modify(database, user_id, row))

    async def delete(self, user_id: int, at: dt.datetime) -> bool:
        """Set the status to deleted and take what the user may see; False if there is no such user."""
        return await self._database.write(lambda database: _delete(database, user_id, at))

    async def _find(self, condition: Any) -> list[User]:
        return await self._database.read(lambda database: _find(database, condition))


def _named(user_name: str) -> Any:
    return (peewee.fn.LOWER(UserRow.user_name) == peewee.fn.LOWER(user_name)) & (UserRow.status != DELETED)


def _present(user_id: int) -> Any:
    return (UserRow.user_id == user_id) & (UserRow.status != DELETED)


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    return {"agent" if name == "agent_id" else name: value for name, value in values.items()}


def _find(database: peewee.Database, condition: Any) -> list[User]:
    rows = list(UserRow.select().where(condition).order_by(UserRow.user_id).dicts().execute(database))
    agents = [row["agent"] for row in rows if row["agent"] is not None]
    known = AgentRow.select(AgentRow.agent_id).where(AgentRow.agent_id.in_(agents) & (AgentRow.status != DELETED))
    phones: dict[int, list[str]] = {agent: [] for (agent,) in known.tuples().execute(database)}
    query = AgentPhoneRow.select(AgentPhoneRow.agent, AgentPhoneRow.phone_id).where(AgentPhoneRow.agent.in_(agents))
    for agent, phone in query.order_by(AgentPhoneRow.phone_id).tuples().execute(database):
        phones[agent].append(phone)
    return [_user(row, phones) for row in rows]


def _user(row: dict[str, Any], phones: dict[int, list[str]]) -> User:
    agent_id = row["agent"] if row["agent"] in phones else None
    return User.model_validate(row | {"agent_id": agent_id, "phones": phones.get(row["agent"], ())})


def _add(database: peewee.Database, row: dict[str, Any]) -> tuple[int, bool]:
    named = UserRow.select(UserRow.user_id).where(_named(row["user_name"]))
    there: list[tuple[int]] = list(named.tuples().execute(database))
    if there:
        return there[0][0], False
    return int(UserRow.insert(row).execute(database)), True


def _modify(database: peewee.Database, user_id: int, row: dict[str, Any]) -> bool:
    name = row.get("user_name")
    if name and UserRow.select().where(_named(name) & (UserRow.user_id != user_id)).exists(database):
        return False
    return bool(UserRow.update(row).where(_present(user_id)).execute(database))


def _delete(database: peewee.Database, user_id: int, at: dt.datetime) -> bool:
    UserGroupRow.delete().where(UserGroupRow.user == user_id).execute(database)
    return bool(UserRow.update(status=DELETED, modified_at=at).where(_present(user_id)).execute(database))
