"""IMPORTAGENT."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from appliance import clock
from appliance.bus.commands import Services
from appliance.errors import ActionInvalidError, AgentNotActiveError, KeysNotUniqueError
from appliance.messages.lookup import agent_by_id
from appliance.messages.origin import Origin
from appliance.messages.parameter import Choice, Flag, Number
from appliance.messages.registration import AgentId, Needs, Registration, facts, kept, key
from appliance.messages.result import Body, Result
from appliance.messages.wire_text import us_time
from appliance.store.agents import Agent

_VALUES = (
    *("employee_id", "sys_user", "sys_domain", "crm_user", "email", "mobile_id", "site_id", "status"),
    *("allow_self_record", "allow_self_download"),
)


class ImportAgent(Registration):
    """Adds, changes, deletes or lists agents.

    ADD ignores AGENTID and changes nothing where an agent of the same first and last name is there: the answer then
    has that agent's AGENTID, so that a script may add its agents again and again. MODIFY changes what is passed; an
    absent parameter leaves, a blank one clears (but for AGENTID, names and fixed words, where it leaves). DELETE keeps
    the agent for old recordings, and frees the phones. LIST takes no other parameter, and does not show deleted agents.
    """

    needs: ClassVar[Mapping[str, Needs]] = {
        "ADD": (("first_name",), ("last_name",)),
        "MODIFY": (("agent_id",),),
        "DELETE": (("agent_id",),),
    }
    made: ClassVar[tuple[str, ...]] = ("agent_id",)
    ids: ClassVar[tuple[str, ...]] = ("agent_id",)
    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: done; AGENTID is the agent's (LIST: the agents, as RESULTTYPE OK)",
        "API_ERROR_KEYS_NOT_UNIQUE: ADD, MODIFY: another agent has the name, and ALLOWDUPLICATE is not Y",
        "API_AGENT_NOT_FOUND: no agent has the AGENTID",
        "API_AGENT_NOT_ACTIVE: the agent is deleted",
        "API_ERROR_INVALID_ACTION: ACTION is none of those below",
        "API_BLANK_REQUIRED_VALUE: no ACTION; ADD without a name; MODIFY, DELETE without an AGENTID",
        "API_ERROR_PROCESSING_MESSAGE: a value that cannot be used",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = (
        {
            "REQUESTID": "61",
            "ACTION": "ADD",
            "FIRSTNAME": "Tom",
            "LASTNAME": "Baker",
            "SYSUSERNAME": "tbaker",
            "EMAIL": "tbaker@example.com",
        },
        {"REQUESTID": "62", "ACTION": "LIST"},
    )

    action: Annotated[
        str | None,
        Choice("what to do", words=("ADD", "MODIFY", "DELETE", "LIST"), required=True, fault=ActionInvalidError),
    ] = None
    agent_id: AgentId = None
    first_name: Annotated[str | None, key("first name", "FIRSTNAME", 20, synonyms=("FIRST_NAME",))] = None
    last_name: Annotated[str | None, key("last name", "LASTNAME", 30, synonyms=("LAST_NAME",))] = None
    sys_user: Annotated[str | None, kept("network user", "SYSUSERNAME", 30, synonyms=("SYS_USER",))] = None
    sys_domain: Annotated[str | None, kept("network domain of that user", "DOMAIN", 30, synonyms=("SYS_DOMAIN",))] = (
        None
    )
    email: Annotated[str | None, kept("mail address", "EMAIL", 255)] = None
    employee_id: Annotated[str | None, kept("number in your books", "EMPLOYEEID", 20, synonyms=("EMPLOYEE_ID",))] = None
    crm_user: Annotated[str | None, kept("CRM user", "CRMUSERNAME", 30, synonyms=("CRM_USER",))] = None
    allow_duplicate: Annotated[
        bool | None, Flag("two agents may have this name; N while nobody says", name="ALLOWDUPLICATE")
    ] = None
    status: Annotated[str | None, Choice("A active, I inactive; A while nobody says", words=("A", "I"))] = None
    site_id: Annotated[int | None, Number("site; -1 is none", name="SITE_ID", synonyms=("SITEID",), lowest=-1)] = None
    mobile_id: Annotated[str | None, kept("mobile device", "MOBILE_ID", 50, synonyms=("MOBILEID",))] = None
    allow_self_record: Annotated[
        bool | None, Flag("the agent may start recordings; N while nobody says", name="ALLOWSELFRECORD")
    ] = None
    allow_self_download: Annotated[
        bool | None, Flag("the agent may fetch recordings; N while nobody says", name="ALLOWSELFDOWNLOAD")
    ] = None

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Do what ACTION says."""
        match self.action:
            case "ADD":
                agent_id = await self._add(services, origin)
            case "MODIFY":
                agent_id = await self._modify(services, origin)
            case "DELETE":
                agent_id = await self._delete(services, origin)
            case _:
                section = tuple(("AGENT", _agent(agent)) for agent in await services.registry.agents.all())
                body = (("AGENTS", (("COUNT", str(len(section))), *section)),)
                return self.result(result_type="OK", message="OK", body=body)
        return self.result(body=(("AGENTID", str(agent_id)),))

    async def _add(self, services: Services, origin: Origin) -> int:
        agents = services.registry.agents
        first_name, last_name = self.first_name or "", self.last_name or ""
        agent_id, added = await agents.add(
            first_name, last_name, self.passed(_VALUES), clock.now(), allow_duplicate=bool(self.allow_duplicate)
        )
        if not added:
            raise KeysNotUniqueError(body=(("AGENTID", str(agent_id)),))
        self.note(services, origin, after=facts(await agents.by_id(agent_id)))
        return agent_id

    async def _modify(self, services: Services, origin: Origin) -> int:
        agents = services.registry.agents
        before = await agent_by_id(agents, self.agent_id or 0)
        values = self.passed((*_VALUES, "first_name", "last_name"))
        name = (values.get("first_name", before.first_name), values.get("last_name", before.last_name))
        if name != (before.first_name, before.last_name) and not self.allow_duplicate:
            others = [a.agent_id for a in await agents.by_name(*name) if a.agent_id != before.agent_id]
            if others:
                raise KeysNotUniqueError(body=(("AGENTID", str(others[0])),))
        if not await agents.modify(before.agent_id, values, clock.now()):
            raise AgentNotActiveError  # deleted since
        self.note(services, origin, before=facts(before), after=facts(await agents.by_id(before.agent_id)))
        return before.agent_id

    async def _delete(self, services: Services, origin: Origin) -> int:
        agents = services.registry.agents
        before = await agent_by_id(agents, self.agent_id or 0)
        if not await agents.delete(before.agent_id, clock.now()):
            raise AgentNotActiveError  # deleted since
        self.note(services, origin, before=facts(before), after=facts(await agents.by_id(before.agent_id)))
        return before.agent_id


def _agent(agent: Agent) -> Body:
    return (
        ("AGENT_ID", str(agent.agent_id)),
        ("EMPLOYEE_ID", agent.employee_id),
        ("FIRST_NAME", agent.first_name),
        ("LAST_NAME", agent.last_name),
        ("STATUS", agent.status),
        ("ADD_TIME", us_time(agent.added_at)),
        ("MOD_TIME", us_time(agent.modified_at)),
        ("SYS_USER", agent.sys_user),
        ("SYS_DOMAIN", agent.sys_domain),
        ("EMAIL", agent.email),
        ("CRM_USER", agent.crm_user),
        ("PHONES", ",".join(agent.phones)),
    )
