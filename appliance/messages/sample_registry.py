"""A small registry in memory: one agent, one station, one group, one user, one desktop. For the reference and tests."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any, final

from appliance.bus.registry import Registry
from appliance.store.agents import Agent
from appliance.store.groups import Group
from appliance.store.terms import DEFAULTS
from appliance.store.users import User
from appliance.store.windows import Window

_AT = dt.datetime(2026, 3, 9, 13, 4, 5, tzinfo=dt.UTC)
_DELETED = "D"


@final
@dataclasses.dataclass(slots=True)
class SampleAgents:
    """Agents by id, each with its phones."""

    known: dict[int, Agent] = dataclasses.field(default_factory=lambda: {7: sample_agent()})

    async def all(self) -> list[Agent]:
        """Give those that are not deleted."""
        return [agent for agent in self.known.values() if agent.status != _DELETED]

    async def by_id(self, agent_id: int) -> Agent | None:
        """Look up."""
        return self.known.get(agent_id)

    async def by_name(self, first_name: str, last_name: str) -> list[Agent]:
        """Look through all."""
        wanted = (first_name.lower(), last_name.lower())
        return [a for a in await self.all() if (a.first_name.lower(), a.last_name.lower()) == wanted]

    async def of_phone(self, phone_id: str) -> Agent | None:
        """Look through all."""
        return next((a for a in self.known.values() if _holds(a.phones, phone_id)), None)

    async def add(
        self, first_name: str, last_name: str, values: dict[str, Any], at: dt.datetime, *, allow_duplicate: bool = False
    ) -> tuple[int, bool]:
        """Add one with the next number."""
        there = await self.by_name(first_name, last_name)
        if there and not allow_duplicate:
            return there[0].agent_id, False
        own: dict[str, Any] = {"first_name": first_name, "last_name": last_name, "added_at": at, "modified_at": at}
        agent_id = max(self.known, default=0) + 1
        self.known[agent_id] = Agent(agent_id=agent_id, **own, **values)
        return agent_id, True

    async def modify(self, agent_id: int, values: dict[str, Any], at: dt.datetime) -> bool:
        """Put a changed copy in its place."""
        return self._change(agent_id, values | {"modified_at": at})

    async def delete(self, agent_id: int, at: dt.datetime) -> bool:
        """Put a deleted copy in its place."""
        return self._change(agent_id, {"status": _DELETED, "phones": (), "modified_at": at})

    async def assign_phone(self, agent_id: int, phone_id: str) -> bool:
        """Add the phone, unless another one has it."""
        owner = await self.of_phone(phone_id)
        if owner is not None:
            return owner.agent_id == agent_id
        return self._change(agent_id, {"phones": tuple(sorted({*self.known[agent_id].phones, phone_id}))})

    async def free_phone(self, agent_id: int, phone_id: str) -> bool:
        """Take the phone."""
        phones = self.known[agent_id].phones
        return _holds(phones, phone_id) and self._change(agent_id, {"phones": _without(phones, phone_id)})

    def _change(self, agent_id: int, values: dict[str, Any]) -> bool:
        agent = self.known.get(agent_id)
        if agent is None or agent.status == _DELETED:
            return False
        self.known[agent_id] = agent.model_copy(update=values)
        return True


@final
@dataclasses.dataclass(slots=True)
class SampleStations:
    """Devices by station."""

    known: dict[str, str] = dataclasses.field(default_factory=lambda: {"FRONTDESK": "5551"})

    async def all(self) -> list[tuple[str, str]]:
        """Give all of them."""
        return sorted(self.known.items())

    async def device_of(self, station_name: str) -> str | None:
        """Look through all."""
        return next((d for s, d in self.known.items() if s.lower() == station_name.lower()), None)

    async def station_of(self, device_id: str) -> str | None:
        """Look through all."""
        return next((s for s, d in self.known.items() if d.lower() == device_id.lower()), None)

    async def assign(self, device_id: str, station_name: str) -> str:
        """Forget both, then add."""
        gone = (station_name.lower(), device_id.lower())
        self.known = {s: d for s, d in self.known.items() if s.lower() != gone[0] and d.lower() != gone[1]}
        self.known[station_name] = device_id
        return device_id

    async def remove(self, station_name: str) -> bool:
        """Forget it."""
        found = next((s for s in self.known if s.lower() == station_name.lower()), None)
        return found is not None and bool(self.known.pop(found))


@final
@dataclasses.dataclass(slots=True)
class SampleGroups:
    """Groups by id; ``names`` are those of the users."""

    known: dict[int, Group] = dataclasses.field(default_factory=lambda: {3: sample_group()})
    names: dict[int, str] = dataclasses.field(default_factory=lambda: {2: "reviewer"})

    async def all(self) -> list[Group]:
        """Give all of them."""
        return list(self.known.values())

    async def by_id(self, group_id: int) -> Group | None:
        """Look up."""
        return self.known.get(group_id)

    async def by_name(self, name: str) -> Group | None:
        """Look through all."""
        return next((g for g in self.known.values() if g.name.lower() == name.lower()), None)

    async def add(self, name: str, at: dt.datetime) -> tuple[int, bool]:
        """Add one with the next number."""
        there = await self.by_name(name)
        if there:
            return there.group_id, False
        group_id = max(self.known, default=0) + 1
        self.known[group_id] = Group(group_id=group_id, name=name, added_at=at)
        return group_id, True

    async def rename(self, group_id: int, name: str) -> bool:
        """Put a changed copy in its place."""
        there = await self.by_name(name)
        return (there is None or there.group_id == group_id) and self._change(group_id, name=name)

    async def delete(self, group_id: int, at: dt.datetime) -> bool:
        """Forget it."""
        del at
        return self.known.pop(group_id, None) is not None

    async def assign_phone(self, group_id: int, phone_id: str) -> bool:
        """Add the phone."""
        phones = self.known[group_id].phones
        return not _holds(phones, phone_id) and self._change(group_id, phones=(*phones, phone_id))

    async def release_phone(self, group_id: int, phone_id: str) -> bool:
        """Take the phone."""
        phones = self.known[group_id].phones
        return _holds(phones, phone_id) and self._change(group_id, phones=_without(phones, phone_id))

    async def assign_user(self, group_id: int, user_id: int) -> bool:
        """Add the user."""
        users, name = self.known[group_id].users, self.names.get(user_id, str(user_id))
        return name not in users and self._change(group_id, users=(*users, name))

    async def release_user(self, group_id: int, user_id: int) -> bool:
        """Take the user."""
        users, name = self.known[group_id].users, self.names.get(user_id, str(user_id))
        return name in users and self._change(group_id, users=_without(users, name))

    def _change(self, group_id: int, **values: Any) -> bool:
        self.known[group_id] = self.known[group_id].model_copy(update=values)
        return True


@final
@dataclasses.dataclass(slots=True)
class SampleUsers:
    """Users by id."""

    known: dict[int, User] = dataclasses.field(default_factory=lambda: {2: sample_user()})

    async def all(self) -> list[User]:
        """Give those that are not deleted."""
        return [user for user in self.known.values() if user.status != _DELETED]

    async def by_id(self, user_id: int) -> User | None:
        """Look up."""
        return self.known.get(user_id)

    async def by_name(self, user_name: str) -> User | None:
        """Look through all."""
        return next((u for u in await self.all() if u.user_name.lower() == user_name.lower()), None)

    async def add(self, user_name: str, values: dict[str, Any], at: dt.datetime) -> tuple[int, bool]:
        """Add one with the next number."""
        there = await self.by_name(user_name)
        if there:
            return there.user_id, False
        user_id = max(self.known, default=0) + 1
        self.known[user_id] = User(user_id=user_id, user_name=user_name, added_at=at, modified_at=at, **values)
        return user_id, True

    async def modify(self, user_id: int, values: dict[str, Any], at: dt.datetime) -> bool:
        """Put a changed copy in its place."""
        there = await self.by_name(values.get("user_name", ""))
        if there is not None and there.user_id != user_id:
            return False
        self.known[user_id] = self.known[user_id].model_copy(update=values | {"modified_at": at})
        return True

    async def delete(self, user_id: int, at: dt.datetime) -> bool:
        """Put a deleted copy in its place."""
        return await self.modify(user_id, {"status": _DELETED}, at)


@final
@dataclasses.dataclass(slots=True)
class SampleTerms:
    """Words by name."""

    known: dict[str, str] = dataclasses.field(default_factory=dict)

    async def all(self) -> dict[str, str]:
        """Give all of them."""
        return dict(sorted((DEFAULTS | self.known).items()))

    async def put(self, name: str, value: str) -> None:
        """Keep it."""
        self.known[name.lower()] = value

    async def drop(self, name: str) -> bool:
        """Forget it."""
        return self.known.pop(name.lower(), None) is not None


def sample_window() -> Window:
    """Give the report of the agent's desktop."""
    return Window(
        computer_name="FRONTDESK",
        user_name="mreed",
        domain="office.example.com",
        ip_address="192.0.2.15",
        application_title="Order entry",
        reported_at=_AT,
    )


@final
@dataclasses.dataclass(slots=True)
class SampleWindows:
    """One report."""

    known: Window = dataclasses.field(default_factory=sample_window)

    async def latest(self, *, computer_name: str = "", user_name: str = "") -> Window | None:
        """Give it where every name given is its own."""
        own = (self.known.computer_name.lower(), self.known.user_name.lower())
        asked = (computer_name.lower(), user_name.lower())
        return self.known if all(not a or a == o for a, o in zip(asked, own, strict=True)) else None


@final
@dataclasses.dataclass(slots=True)
class SampleAudit:
    """Keeps what was noted: (what, before, after), and by whom: (port, peer, who)."""

    noted: list[tuple[str, Any, Any]] = dataclasses.field(default_factory=list)
    noted_by: list[tuple[str, str, str]] = dataclasses.field(default_factory=list)

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
        """Keep it."""
        self.noted.append((what, before, after))
        self.noted_by.append((port, peer, who))


def sample_registry() -> Registry:
    """Build one that keeps everything in memory."""
    return Registry(SampleAgents(), SampleStations(), SampleGroups(), SampleUsers(), SampleTerms(), SampleWindows())


def sample_agent() -> Agent:
    """Give an agent with two phones."""
    return Agent(
        agent_id=7,
        first_name="Mara",
        last_name="Reed",
        employee_id="2210",
        sys_user="mreed",
        sys_domain="OFFICE",
        crm_user="mara",
        email="mreed@example.com",
        added_at=_AT,
        modified_at=_AT,
        phones=("5551", "DESK5"),
    )


def sample_group() -> Group:
    """Give a group that the agent's device belongs to, and the user may see."""
    return Group(group_id=3, name="Claims & Returns", added_at=_AT, phones=("5551",), users=("reviewer",))


def sample_user() -> User:
    """Give a user who is no agent."""
    return User(
        user_id=2,
        user_name="reviewer",
        first_name="Ines",
        last_name="Vogel",
        email="ivogel@example.com",
        added_at=_AT,
        modified_at=_AT,
    )


def _holds(names: tuple[str, ...], name: str) -> bool:
    return name.lower() in {n.lower() for n in names}


def _without(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(n for n in names if n.lower() != name.lower())
