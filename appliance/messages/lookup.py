"""Find the agent, the group, the user that a request names by a number or by names."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.bus.registry import Agents, Groups
from appliance.errors import (
    AgentNotActiveError,
    AgentUnknownError,
    GroupUnknownError,
    KeysNotUniqueError,
    RequiredBlankError,
)
from appliance.store.agents import DELETED, Agent
from appliance.store.groups import Group


def judge_agent_keys(passed: Mapping[str, str]) -> None:
    """Raise RequiredBlankError where neither the number nor both names are given."""
    if not passed.get("agent_id") and not (passed.get("first_name") and passed.get("last_name")):
        raise RequiredBlankError("AGENTID, or FIRSTNAME and LASTNAME, is required")


async def agent_by_id(agents: Agents, agent_id: int) -> Agent:
    """Give the agent. Raises AgentUnknownError, or AgentNotActiveError for a deleted one."""
    agent = await agents.by_id(agent_id)
    if agent is None:
        raise AgentUnknownError
    if agent.status == DELETED:
        raise AgentNotActiveError
    return agent


async def agent_by_name(agents: Agents, first_name: str, last_name: str, agent_id: int | None = None) -> Agent:
    """Give the agent of that name; of several the one with the number.

    Raises AgentUnknownError, or KeysNotUniqueError where several have the name and the number chooses none of them.
    """
    found = await agents.by_name(first_name, last_name)
    if not found:
        raise AgentUnknownError
    chosen = found if len(found) == 1 else [agent for agent in found if agent.agent_id == agent_id]
    if not chosen:
        raise KeysNotUniqueError
    return chosen[0]


async def group_of(groups: Groups, name: str | None, group_id: int | None) -> Group:
    """Give the group: the name counts before the number. Raises GroupUnknownError."""
    found = await groups.by_name(name) if name else await groups.by_id(group_id or 0)
    if found is None:
        raise GroupUnknownError
    return found
