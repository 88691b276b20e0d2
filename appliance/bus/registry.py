"""What clients put into the box's registry and read from it: agents, stations, groups, users, terms, desktops, audit.

The store has it; these are the verbs that messages need. Every coroutine raises DatabaseError.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any, Protocol, final

from appliance.store.agents import Agent
from appliance.store.groups import Group
from appliance.store.users import User
from appliance.store.windows import Window


class Agents(Protocol):
    """Agents and their phones. A deleted agent stays, with status D and no phones."""

    async def all(self) -> list[Agent]:
        """Every agent that is not deleted, by id."""
        ...

    async def by_id(self, agent_id: int) -> Agent | None:
        """The agent of that id, deleted or not."""
        ...

    async def by_name(self, first_name: str, last_name: str) -> list[Agent]:
        """The agents of that name that are not deleted, oldest first."""
        ...

    async def of_phone(self, phone_id: str) -> Agent | None:
        """The agent who has the phone."""
        ...

    async def add(
        self, first_name: str, last_name: str, values: dict[str, Any], at: dt.datetime, *, allow_duplicate: bool = False
    ) -> tuple[int, bool]:
        """Add an agent; the id, and False where one of that name is there already and nothing was changed."""
        ...

    async def modify(self, agent_id: int, values: dict[str, Any], at: dt.datetime) -> bool:
        """Change an agent; False if there is none."""
        ...

    async def delete(self, agent_id: int, at: dt.datetime) -> bool:
        """Set the status to deleted and free the phones; False if there is no such agent."""
        ...

    async def assign_phone(self, agent_id: int, phone_id: str) -> bool:
        """Give the phone to the agent; False if another agent has it."""
        ...

    async def free_phone(self, agent_id: int, phone_id: str) -> bool:
        """Take the phone from the agent; False if the agent did not have it."""
        ...


class Stations(Protocol):
    """Which device stands at which station."""

    async def all(self) -> list[tuple[str, str]]:
        """(station, device) by station."""
        ...

    async def device_of(self, station_name: str) -> str | None:
        """The device that stands at the station."""
        ...

    async def station_of(self, device_id: str) -> str | None:
        """The station that the device stands at."""
        ...

    async def assign(self, device_id: str, station_name: str) -> str:
        """Put the device at the station, and forget every other place of either; the device as it is stored."""
        ...

    async def remove(self, station_name: str) -> bool:
        """Forget the station; False if there is none of that name."""
        ...


class Groups(Protocol):
    """Permission groups: phones whose calls belong to them, users who may see those."""

    async def all(self) -> list[Group]:
        """Every group that is not deleted, by id."""
        ...

    async def by_id(self, group_id: int) -> Group | None:
        """The group of that id, unless it is deleted."""
        ...

    async def by_name(self, name: str) -> Group | None:
        """The group of that name."""
        ...

    async def add(self, name: str, at: dt.datetime) -> tuple[int, bool]:
        """Add a group; the id, and False where one of that name is there already and nothing was changed."""
        ...

    async def rename(self, group_id: int, name: str) -> bool:
        """Give the group another name; False if another group has it."""
        ...

    async def delete(self, group_id: int, at: dt.datetime) -> bool:
        """Delete the group with everything that was assigned to it; False if there is no such group."""
        ...

    async def assign_phone(self, group_id: int, phone_id: str) -> bool:
        """Put an agent's phone into the group; False if it is there already."""
        ...

    async def release_phone(self, group_id: int, phone_id: str) -> bool:
        """Take a phone out of the group; False if it was not there."""
        ...

    async def assign_user(self, group_id: int, user_id: int) -> bool:
        """Let a user see the group's calls; False if that was so."""
        ...

    async def release_user(self, group_id: int, user_id: int) -> bool:
        """No longer let a user see the group's calls; False if that was so."""
        ...


class Users(Protocol):
    """Who may see calls. A deleted user stays, with status D."""

    async def all(self) -> list[User]:
        """Every user that is not deleted, by id."""
        ...

    async def by_id(self, user_id: int) -> User | None:
        """The user of that id, deleted or not."""
        ...

    async def by_name(self, user_name: str) -> User | None:
        """The user of that name who is not deleted."""
        ...

    async def add(self, user_name: str, values: dict[str, Any], at: dt.datetime) -> tuple[int, bool]:
        """Add a user; the id, and False where one of that name is there already and nothing was changed."""
        ...

    async def modify(self, user_id: int, values: dict[str, Any], at: dt.datetime) -> bool:
        """Change a user; False if there is none, or another one has the name."""
        ...

    async def delete(self, user_id: int, at: dt.datetime) -> bool:
        """Set the status to deleted and take what the user may see; False if there is no such user."""
        ...


class Terms(Protocol):
    """What the site calls things."""

    async def all(self) -> dict[str, str]:
        """Every term with its word, in alphabetical order."""
        ...

    async def put(self, name: str, value: str) -> None:
        """Change a term's word, or add a term."""
        ...

    async def drop(self, name: str) -> bool:
        """Take back a change, or a term that was added; False if there is none of that name."""
        ...


class Windows(Protocol):
    """What desktops reported."""

    async def latest(self, *, computer_name: str = "", user_name: str = "") -> Window | None:
        """The latest report that has every name given."""
        ...


class Audit(Protocol):
    """Keeps who did what."""

    def note(
        self,
        what: str,
        *,
        port: str,
        peer: str,
        who: str = "",
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Note a change, an export, a mail, a playback; never waits, never raises."""
        ...


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Registry:
    """All of it."""

    agents: Agents
    stations: Stations
    groups: Groups
    users: Users
    terms: Terms
    windows: Windows
