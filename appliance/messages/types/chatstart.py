"""CHATSTART."""

from __future__ import annotations

from typing import Annotated, ClassVar

from appliance.bus.commands import Services
from appliance.bus.control import StartChat
from appliance.errors import AgentNotActiveError, AgentUnknownError
from appliance.messages.chat_request import ChatRequest
from appliance.messages.origin import Origin
from appliance.messages.parameter import INT32_MAX, Choice, Number, Text
from appliance.messages.result import Result
from appliance.store.agents import Agent

_ACTIVE = "A"
_KEYS = {
    "USERNAME": "sys_user",
    "SYSUSERNAME": "sys_user",
    "SYS_USER": "sys_user",
    "EMPLOYEEID": "employee_id",
    "EMPLOYEE_ID": "employee_id",
    "CRMUSERNAME": "crm_user",
    "CRM_USER": "crm_user",
    "DEVICEALIAS": "phones",
    "PHONEID": "phones",
    "AGENTID": "agent_id",
    "AGENT_ID": "agent_id",
}


class ChatStart(ChatRequest):
    """Begins a session at an agent's screen that has no audio, such as a web chat.

    AGENTID names the agent, or else KEYNAME and KEYVALUE. The session stands in DEVICELIST while it lasts, under the
    agent's device, and becomes a record of the type Screen; as long as no desktop delivers pictures the record says so.
    """

    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: every core was told, or some; RESULTMSG lists those that could not be told",
        "API_SESSIONID_UNSPECIFIED: no SESSIONID",
        "API_AGENT_NOT_FOUND: no agent is named, or none matches; RESULTMSG tells which",
        "API_AGENT_NOT_ACTIVE: the agent is inactive or deleted",
        "API_ERROR_RECORDER_NOT_RUNNING: no core could be told",
        "API_DATABASE_QUERY_ERROR: agents cannot be read",
        "API_REQUESTID_INVALID: REQUESTID out of range",
        "API_ERROR_PROCESSING_MESSAGE: a value that cannot be used",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = (
        {"REQUESTID": "91", "SESSIONID": "w-4711", "KEYNAME": "USERNAME", "KEYVALUE": "mreed"},
        {"REQUESTID": "92", "SESSIONID": "w-4712", "KEYNAME": "EMPLOYEEID", "KEYVALUE": "1"},
    )

    agent_id: Annotated[
        int | None, Number("agent; 0 is not given", name="AGENTID", synonyms=("AGENT_ID",), highest=INT32_MAX)
    ] = None
    key_name: Annotated[
        str | None, Choice("what KEYVALUE is, where no AGENTID is given", name="KEYNAME", words=tuple(_KEYS))
    ] = None
    key_value: Annotated[
        str | None,
        Text(
            "the agent's user name, employee id, CRM user, phone or id",
            name="KEYVALUE",
            length=255,
            over_long="refuse",
            fault=AgentUnknownError,
        ),
    ] = None

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Find the agent and tell the cores."""
        agent = await self._agent(services)
        command = StartChat(
            session_id=str(self.session_id),
            agent_id=str(agent.agent_id),
            phones=agent.phones,
            name=agent.sys_user or agent.crm_user or f"agent-{agent.agent_id}",
            fields={"sys_user": agent.sys_user, "crm_user": agent.crm_user},
        )
        return await self.send(command, services)

    async def _agent(self, services: Services) -> Agent:
        agents = services.registry.agents
        if self.agent_id:
            found = await agents.by_id(self.agent_id)
            if found is None:
                raise AgentUnknownError(f"no agent has the AGENTID {self.agent_id}")
            if found.status != _ACTIVE:
                raise AgentNotActiveError
            return found
        if not self.key_name or not self.key_value:
            raise AgentUnknownError("AGENTID, or KEYNAME and KEYVALUE, names the agent")
        matching = [agent for agent in await agents.all() if _has(agent, _KEYS[self.key_name], self.key_value)]
        active = [agent for agent in matching if agent.status == _ACTIVE]
        if matching and not active:
            raise AgentNotActiveError
        if not active:
            raise AgentUnknownError(f"no agent has the {self.key_name} {self.key_value}")
        return active[0]


def _has(agent: Agent, field: str, value: str) -> bool:
    own = agent.phones if field == "phones" else (str(getattr(agent, field)),)
    return value.casefold() in {one.casefold() for one in own}
