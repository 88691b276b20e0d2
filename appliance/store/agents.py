"""Agents and their phones, as IMPORTAGENT and IMPORTAGENTPHONE tell them.

An agent is never removed: a deleted one keeps its row with status D, and frees its phones. Names and phones count
without regard to letter case.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeVar, final

import peewee
import pydantic

from appliance.store.agents_roster import Roster
from appliance.store.database import Database, Job
from appliance.store.registry_tables import AgentPhoneRow, AgentRow

DELETED = "D"
_T = TypeVar("_T")


@final
class Agent(pydantic.BaseModel):
    """One agent. ``status`` is A (active), I (inactive) or D (deleted); ``phones`` are in alphabetical order."""

    model_config = pydantic.ConfigDict(frozen=True)

    agent_id: int
    first_name: str
    last_name: str
    employee_id: str = ""
    sys_user: str = ""
    sys_domain: str = ""
    crm_user: str = ""
    email: str = ""
    mobile_id: str = ""
    site_id: int = -1
    status: str = "A"
    allow_self_record: bool = False
    allow_self_download: bool = False
    added_at: dt.datetime
    modified_at: dt.datetime
    phones: tuple[str, ...] = ()


USER_KEYS: tuple[str, ...] = ("sys_user", "crm_user", "employee_id")


@final
class Agents:
    """The agents. Every coroutine raises DatabaseError when the database could not do it.

    ``roster`` knows at once whose phone a call is on; it follows every change made here.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.roster = Roster(database)

    async def all(self) -> list[Agent]:
        """Give every agent that is not deleted, by id."""
        return await self._find(AgentRow.status != DELETED)

    async def by_id(self, agent_id: int) -> Agent | None:
        """Give the agent of that id, deleted or not."""
        found = await self._find(AgentRow.agent_id == agent_id)
        return found[0] if found else None

    async def by_name(self, first_name: str, last_name: str) -> list[Agent]:
        """Give the agents of that name that are not deleted, oldest first."""
        return await self._find(_named(first_name, last_name))

    async def by_user(self, key: str, value: str) -> list[Agent]:
        """Give the agents, not deleted, whose key (one of USER_KEYS, else KeyError) has the value."""
        if key not in USER_KEYS:
            raise KeyError(key)
        return await self._find(_same(getattr(AgentRow, key), value) & (AgentRow.status != DELETED))

    async def of_phone(self, phone_id: str) -> Agent | None:
        """Give the agent who has the phone."""
        owner = AgentPhoneRow.select(AgentPhoneRow.agent).where(_same(AgentPhoneRow.phone_id, phone_id))
        found = await self._find(AgentRow.agent_id.in_(owner))
        return found[0] if found else None

    async def add(
        self, first_name: str, last_name: str, values: dict[str, Any], at: dt.datetime, *, allow_duplicate: bool = False
    ) -> tuple[int, bool]:
        """Add an agent; give the id, and False where one of that name is there already and nothing was changed."""
        row = values | {"first_name": first_name, "last_name": last_name, "added_at": at, "modified_at": at}
        return await self._database.write(lambda database: _add(database, row, allow_duplicate=allow_duplicate))

    async def modify(self, agent_id: int, values: dict[str, Any], at: dt.datetime) -> bool:
        """Change an agent that is not deleted; False if there is none."""
        query = AgentRow.update(values | {"modified_at": at}).where(_present(agent_id))
        return await self._write(lambda database: bool(query.execute(database)))

    async def delete(self, agent_id: int, at: dt.datetime) -> bool:
        """Set the status to deleted and free the phones; False if there is no such agent."""
        return await self._write(lambda database: _delete(database, agent_id, at))

    async def assign_phone(self, agent_id: int, phone_id: str) -> bool:
        """Give the phone to the agent; False if another agent has it, or the agent is not there."""
        return await self._write(lambda database: _assign_phone(database, agent_id, phone_id))

    async def free_phone(self, agent_id: int, phone_id: str) -> bool:
        """Take the phone from the agent; False if the agent did not have it."""
        query = AgentPhoneRow.delete().where(
            _same(AgentPhoneRow.phone_id, phone_id) & (AgentPhoneRow.agent == agent_id)
        )
        return await self._write(lambda database: bool(query.execute(database)))

    async def _write(self, job: Job[_T]) -> _T:
        value = await self._database.write(job)
        await self.roster.recall()
        return value

    async def _find(self, condition: Any) -> list[Agent]:
        return await self._database.read(lambda database: _find(database, condition))


def _same(field: Any, value: str) -> Any:
    return peewee.fn.LOWER(field) == peewee.fn.LOWER(value)


def _named(first_name: str, last_name: str) -> Any:
    both = _same(AgentRow.first_name, first_name) & _same(AgentRow.last_name, last_name)
    return both & (AgentRow.status != DELETED)


def _present(agent_id: int) -> Any:
    return (AgentRow.agent_id == agent_id) & (AgentRow.status != DELETED)


def _find(database: peewee.Database, condition: Any) -> list[Agent]:
    found = list(AgentRow.select().where(condition).order_by(AgentRow.agent_id).dicts().execute(database))
    phones: dict[int, list[str]] = {row["agent_id"]: [] for row in found}
    query = AgentPhoneRow.select().where(AgentPhoneRow.agent.in_(list(phones))).order_by(AgentPhoneRow.phone_id)
    for phone in query.dicts().execute(database):
        phones[phone["agent"]].append(phone["phone_id"])
    return [Agent.model_validate(row | {"phones": phones[row["agent_id"]]}) for row in found]


def _add(database: peewee.Database, row: dict[str, Any], *, allow_duplicate: bool) -> tuple[int, bool]:
    named = AgentRow.select(AgentRow.agent_id).where(_named(row["first_name"], row["last_name"]))
    there: list[tuple[int]] = list(named.order_by(AgentRow.agent_id).tuples().execute(database))
    if there and not allow_duplicate:
        return there[0][0], False
    return int(AgentRow.insert(row).execute(database)), True


def _delete(database: peewee.Database, agent_id: int, at: dt.datetime) -> bool:
    AgentPhoneRow.delete().where(AgentPhoneRow.agent == agent_id).execute(database)
    query = AgentRow.update(status=DELETED, modified_at=at).where(_present(agent_id))
    return bool(query.execute(database))


def _assign_phone(database: peewee.Database, agent_id: int, phone_id: str) -> bool:
    if not AgentRow.select().where(_present(agent_id)).exists(database):
        return False
    owners = AgentPhoneRow.select(AgentPhoneRow.agent).where(_same(AgentPhoneRow.phone_id, phone_id)).tuples()
    owner: list[tuple[int]] = list(owners.execute(database))
    if not owner:
        AgentPhoneRow.insert(phone_id=phone_id, agent=agent_id).execute(database)
    return not owner or owner[0][0] == agent_id
