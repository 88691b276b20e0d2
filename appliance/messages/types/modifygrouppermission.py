"""MODIFYGROUPPERMISSION."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from appliance.bus.commands import Services
from appliance.errors import ActionInvalidError, DeviceInvalidError, GroupUnknownError
from appliance.messages.lookup import agent_by_id, agent_by_name, group_of, judge_agent_keys
from appliance.messages.origin import Origin
from appliance.messages.parameter import Choice
from appliance.messages.registration import AgentFirstName, AgentId, AgentLastName, GroupId, Needs, Registration, key
from appliance.messages.result import Body, Result
from appliance.store.agents import Agent
from appliance.store.groups import Group

_NEEDS: Needs = (("group_name", "group_id"), ("phone_id", "device_id"))


class ModifyGroupPermission(Registration):
    """Puts a phone of an agent into a permission group, or takes it out.

    Names count before numbers; of several agents of one name AGENTID chooses. What is so already is no error. When the
    agent gives the phone up, it leaves the group.
    """

    needs: ClassVar[Mapping[str, Needs]] = {"ADD": _NEEDS, "MODIFY": _NEEDS, "DELETE": _NEEDS}
    ids: ClassVar[tuple[str, ...]] = ("group_id", "agent_id")
    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: done; the parameters that were sent, and GROUPID and AGENTID",
        "API_NO_GROUP: no such group",
        "API_AGENT_NOT_FOUND: no such agent",
        "API_AGENT_NOT_ACTIVE: the agent is deleted",
        "API_ERROR_KEYS_NOT_UNIQUE: several agents have the name",
        "API_DEVICE_INVALID: the agent does not have that phone",
        "API_ERROR_INVALID_ACTION: ACTION is none of those below",
        "API_BLANK_REQUIRED_VALUE: no ACTION, group, phone or agent",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = (
        {
            "REQUESTID": "66",
            "ACTION": "ADD",
            "GROUPNAME": "Claims & Returns",
            "FIRSTNAME": "Mara",
            "LASTNAME": "Reed",
            "DEVICEID": "DESK5",
        },
    )

    action: Annotated[
        str | None,
        Choice("what to do; MODIFY is ADD", words=("ADD", "MODIFY", "DELETE"), required=True, fault=ActionInvalidError),
    ] = None
    group_name: Annotated[str | None, key("group", "GROUPNAME", 255, fault=GroupUnknownError)] = None
    group_id: GroupId = None
    phone_id: Annotated[str | None, key("phone of the agent", "PHONEID", 64, fault=DeviceInvalidError)] = None
    device_id: Annotated[
        str | None, key("the same by another name; PHONEID counts first", "DEVICEID", 64, fault=DeviceInvalidError)
    ] = None
    first_name: AgentFirstName = None
    last_name: AgentLastName = None
    agent_id: AgentId = None

    @classmethod
    def judge_presence(cls, passed: Mapping[str, str]) -> None:
        """An agent is needed too."""
        super().judge_presence(passed)
        if passed["action"].upper() in cls.needs:
            judge_agent_keys(passed)

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Put in or take out."""
        groups = services.registry.groups
        group = await group_of(groups, self.group_name, self.group_id)
        agent = await self._agent(services)
        phone = self._phone(agent)
        if self.action == "DELETE":
            changed = await groups.release_phone(group.group_id, phone)
        else:
            changed = await groups.assign_phone(group.group_id, phone)
        if changed:
            facts = {"group_id": group.group_id, "phone_id": phone, "agent_id": agent.agent_id}
            self.note(services, origin, **{"before" if self.action == "DELETE" else "after": facts})
        return self.result(body=self._body(group, agent))

    async def _agent(self, services: Services) -> Agent:
        agents = services.registry.agents
        if self.first_name and self.last_name:
            return await agent_by_name(agents, self.first_name, self.last_name, self.agent_id)
        return await agent_by_id(agents, self.agent_id or 0)

    def _phone(self, agent: Agent) -> str:
        sent = (self.phone_id or self.device_id or "").lower()
        found = next((phone for phone in agent.phones if phone.lower() == sent), None)
        if found is None:
            raise DeviceInvalidError
        return found

    def _body(self, group: Group, agent: Agent) -> Body:
        sent = (
            ("ACTION", self.action),
            ("GROUPNAME", self.group_name),
            ("GROUPID", str(group.group_id)),
            ("PHONEID", self.phone_id),
            ("DEVICEID", self.device_id),
            ("FIRSTNAME", self.first_name),
            ("LASTNAME", self.last_name),
            ("AGENTID", str(agent.agent_id)),
        )
        return tuple((name, value) for name, value in sent if value)
