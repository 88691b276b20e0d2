"""Which agent sits at which phone, kept in memory, since a call that begins does not wait for the database."""

from __future__ import annotations

import asyncio
import logging
from typing import final

import peewee

from appliance.errors import DatabaseError
from appliance.store.database import Database
from appliance.store.registry_tables import AgentPhoneRow, AgentRow

logger = logging.getLogger(__name__)

_ACTIVE = "A"


@final
class Roster:
    """The phones of active agents, as they were at the last :meth:`recall`. Phones count without letter case."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recalling = asyncio.Lock()
        self._agents: dict[str, str] = {}

    def agent_of(self, device_alias: str, device_id: str) -> str:
        """Give the AGENTID of who has the alias as a phone, or else the device; blank where nobody has."""
        found = self._agents.get(device_alias.lower(), "") if device_alias else ""
        return found or self._agents.get(device_id.lower(), "")

    async def recall(self) -> None:
        """Read the phones anew; after each change of agents and phones.

        Where the database fails, who was known stays known; that is told in the log.
        """
        async with self._recalling:  # so that an older reading never comes last
            try:
                self._agents = await self._database.read(_phones)
            except DatabaseError as error:
                logger.error("agents of calls are as they were before: %s", error)  # noqa: TRY400 - told by the store


def _phones(database: peewee.Database) -> dict[str, str]:
    query = AgentPhoneRow.select(AgentPhoneRow.phone_id, AgentRow.agent_id).join(AgentRow)
    rows = query.where(AgentRow.status == _ACTIVE).tuples().execute(database)
    return {phone.lower(): str(agent) for phone, agent in rows}
