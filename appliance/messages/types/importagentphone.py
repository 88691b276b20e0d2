"""IMPORTAGENTPHONE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from appliance.bus.commands import Services
from appliance.errors import ActionInvalidError, KeysNotUniqueError
from appliance.messages.lookup import agent_by_id, agent_by_name, judge_agent_keys
from appliance.messages.origin import Origin
from appliance.messages.parameter import Choice
from appliance.messages.registration import AgentFirstName, AgentId, AgentLastName, Needs, Registration, key
from appliance.messages.result import Result
from appliance.store.agents import Agent

_ADD_NEEDS: Needs = (("phone_id",),)


class ImportAgentPhone(Registration):
    """Gives a phone to an agent, or takes it.

    The phone is a DEVICEALIAS or a DEVICEID: calls on it are the agent's (DEVICEALIAS counts first). AGENTID names the
    agent; the names count only where none (or 0) is given. What is so already is no error: a phone that the agent has,
    or to DELETE one that the agent does not have. Calls and recordings that are there do not change.
    """

    needs: ClassVar[Mapping[str, Needs]] = {"ADD": _ADD_NEEDS, "DELETE": _ADD_NEEDS}
    ids: ClassVar[tuple[str, ...]] = ("agent_id",)
    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: done; AGENTID is the agent's",
        "API_ERROR_KEYS_NOT_UNIQUE: another agent has the phone, or several agents have the name",
        "API_AGENT_NOT_FOUND: no agent has the AGENTID or the name",
        "API_AGENT_NOT_ACTIVE: the agent is deleted",
        "API_ERROR_INVALID_ACTION: ACTION is none of those below",
        "API_BLANK_REQUIRED_VALUE: no ACTION, PHONEID or agent",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = (
        {
            "REQUESTID": "63",
            "ACTION": "ADD",
            "PHONEID": "5560",
            "AGENTID": "0",
            "FIRSTNAME": "Mara",
            "LASTNAME": "Reed",
        },
    )

    action: Annotated[
        str | None, Choice("what to do", words=("ADD", "DELETE"), required=True, fault=ActionInvalidError)
    ] = None
    phone_id: Annotated[str | None, key("phone", "PHONEID", 64)] = None
    agent_id: AgentId = None
    first_name: AgentFirstName = None
    last_name: AgentLastName = None

    @classmethod
    def judge_presence(cls, passed: Mapping[str, str]) -> None:
        """An agent is needed too."""
        super().judge_presence(passed)
        if passed["action"].upper() in cls.needs:
            judge_agent_keys(passed)

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Give or take."""
        agents, phone_id = services.registry.agents, self.phone_id or ""
        agent = await self._agent(services)
        if self.action == "DELETE":
            changed = await agents.free_phone(agent.agent_id, phone_id)
        else:
            owner = await agents.of_phone(phone_id)
            if not await agents.assign_phone(agent.agent_id, phone_id):
                raise KeysNotUniqueError
            changed = owner is None
        if changed:
            facts = {"agent_id": agent.agent_id, "phone_id": phone_id}
            self.note(services, origin, **{"before" if self.action == "DELETE" else "after": facts})
        return self.result(body=(("AGENTID", str(agent.agent_id)),))

    async def _agent(self, services: Services) -> Agent:
        agents = services.registry.agents
        if self.agent_id is not None:
            return await agent_by_id(agents, self.agent_id)
        return await agent_by_name(agents, self.first_name or "", self.last_name or "")

    @classmethod
    def _passed(cls, values: Mapping[str, str]) -> dict[str, str]:
        """Beside an AGENTID names are not even judged."""
        passed = super()._passed(values)
        if passed.get("agent_id"):
            passed = {field: raw for field, raw in passed.items() if field not in {"first_name", "last_name"}}
        return passed
