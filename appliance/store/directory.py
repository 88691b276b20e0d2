"""Who sits where: what the five ways to name a device need to know of stations and agents."""

from __future__ import annotations

from typing import final

from appliance.store.agents import Agents
from appliance.store.stations import Stations

_ACTIVE = "A"


@final
class Directory:
    """Stations and agents, as the table of devices asks for them. Every coroutine raises DatabaseError."""

    def __init__(self, stations: Stations, agents: Agents) -> None:
        self._stations = stations
        self._agents = agents

    async def device_of_station(self, station: str) -> str | None:
        """Give the DEVICEID that IMPORTSTATION tied to the station."""
        return await self._stations.device_of(station)

    async def phones_of_agent(self, *, sys_user: str = "", crm_user: str = "") -> list[str]:
        """Give the phones of the active agents of that user name; CRM_USER counts before SYS_USER."""
        key, value = ("crm_user", crm_user) if crm_user else ("sys_user", sys_user)
        if not value:
            return []
        found = await self._agents.by_user(key, value)
        return [phone for agent in found if agent.status == _ACTIVE for phone in agent.phones]

    def agent_of(self, device_alias: str, device_id: str) -> str:
        """Give the AGENTID of the active agent who has the alias as a phone, or else the device; blank for nobody."""
        return self._agents.roster.agent_of(device_alias, device_id)
