"""IMPORTUSER."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from appliance import clock
from appliance.bus.commands import Services
from appliance.errors import ActionInvalidError, KeysNotUniqueError, UserUnknownError
from appliance.messages.lookup import agent_by_id
from appliance.messages.origin import Origin
from appliance.messages.parameter import Choice, Number
from appliance.messages.registration import AgentId, Needs, Registration, facts, kept, key, number
from appliance.messages.result import Body, Result
from appliance.messages.wire_text import us_time, yes_no
from appliance.store.agents import DELETED
from appliance.store.users import User

_VALUES = (
    *("agent_id", "first_name", "last_name", "sys_user", "sys_domain", "email", "employee_id", "crm_user"),
    *("status", "site_id"),
)
_NO_AGENT = -1
_KEYS: Needs = (("user_id", "user_name"),)


class ImportUser(Registration):
    """Adds, changes, deletes or lists the users who may see the calls of groups.

    ADD changes nothing where a user of the same USERNAME is there: the answer then has that user's USERID. MODIFY and
    DELETE take USERID, or else USERNAME; with both, MODIFY gives the user that name. An absent parameter leaves, a
    blank one clears. AGENTID ties the user to an agent (-1 to none): LIST then has Y as AGENT, and that agent's PHONES.
    LIST takes no other parameter, and does not show deleted users.
    """

    needs: ClassVar[Mapping[str, Needs]] = {"ADD": (("user_name",),), "MODIFY": _KEYS, "DELETE": _KEYS}
    made: ClassVar[tuple[str, ...]] = ("user_id",)
    ids: ClassVar[tuple[str, ...]] = ("user_id", "agent_id")
    reconstructed: ClassVar[str] = "of it sources show the answer of LIST alone"
    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: done; USERID is the user's (LIST: the users)",
        "API_ERROR_KEYS_NOT_UNIQUE: ADD, MODIFY: another user has the USERNAME",
        "API_USER_NOT_FOUND: no such user",
        "API_AGENT_NOT_FOUND: no agent has the AGENTID",
        "API_AGENT_NOT_ACTIVE: that agent is deleted",
        "API_ERROR_INVALID_ACTION: ACTION is none of those below",
        "API_BLANK_REQUIRED_VALUE: no ACTION; ADD without a USERNAME; MODIFY, DELETE without USERID and USERNAME",
        "API_ERROR_PROCESSING_MESSAGE: a value that cannot be used",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = (
        {"REQUESTID": "69", "ACTION": "ADD", "USERNAME": "auditor", "FIRSTNAME": "Ole", "LASTNAME": "Berg"},
        {"REQUESTID": "70", "ACTION": "LIST"},
    )

    action: Annotated[
        str | None,
        Choice("what to do", words=("ADD", "MODIFY", "DELETE", "LIST"), required=True, fault=ActionInvalidError),
    ] = None
    user_id: Annotated[int | None, number("user; 0 is none", "USERID", synonyms=("USER_ID",))] = None
    user_name: Annotated[str | None, key("name to log in with", "USERNAME", 64)] = None
    agent_id: AgentId = None
    first_name: Annotated[str | None, kept("first name", "FIRSTNAME", 20, synonyms=("FIRST_NAME",))] = None
    last_name: Annotated[str | None, kept("last name", "LASTNAME", 30, synonyms=("LAST_NAME",))] = None
    sys_user: Annotated[str | None, kept("network user", "SYSUSERNAME", 30, synonyms=("SYS_USER",))] = None
    sys_domain: Annotated[str | None, kept("network domain of that user", "DOMAIN", 30, synonyms=("SYS_DOMAIN",))] = (
        None
    )
    email: Annotated[str | None, kept("mail address", "EMAIL", 255)] = None
    employee_id: Annotated[str | None, kept("number in your books", "EMPLOYEEID", 20, synonyms=("EMPLOYEE_ID",))] = None
    crm_user: Annotated[str | None, kept("CRM user", "CRMUSERNAME", 30, synonyms=("CRM_USER",))] = None
    status: Annotated[str | None, Choice("A active, I inactive; A while nobody says", words=("A", "I"))] = None
    site_id: Annotated[int | None, Number("site; -1 is none", name="SITE_ID", synonyms=("SITEID",), lowest=-1)] = None

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Do what ACTION says."""
        match self.action:
            case "ADD":
                user_id = await self._add(services, origin)
            case "MODIFY" | "DELETE":
                user_id = await self._change(services, origin)
            case _:
                section = tuple(("USER", _user(user)) for user in await services.registry.users.all())
                return self.result(body=(("USERS", (("COUNT", str(len(section))), *section)),))
        return self.result(body=(("USERID", str(user_id)),))

    async def _add(self, services: Services, origin: Origin) -> int:
        users = services.registry.users
        user_id, added = await users.add(self.user_name or "", await self._values(services), clock.now())
        if not added:
            raise KeysNotUniqueError(body=(("USERID", str(user_id)),))
        self.note(services, origin, after=facts(await users.by_id(user_id)))
        return user_id

    async def _change(self, services: Services, origin: Origin) -> int:
        users = services.registry.users
        before = await self._user(services)
        if self.action == "DELETE":
            await users.delete(before.user_id, clock.now())
        else:
            values = await self._values(services) | self.passed(("user_name",))
            if not await users.modify(before.user_id, values, clock.now()):
                raise KeysNotUniqueError
        self.note(services, origin, before=facts(before), after=facts(await users.by_id(before.user_id)))
        return before.user_id

    async def _user(self, services: Services) -> User:
        users = services.registry.users
        found = await (users.by_id(self.user_id) if self.user_id is not None else users.by_name(self.user_name or ""))
        if found is None or found.status == DELETED:
            raise UserUnknownError
        return found

    async def _values(self, services: Services) -> dict[str, Any]:
        values = self.passed(_VALUES)
        if self.agent_id == _NO_AGENT:
            values["agent_id"] = None
        elif self.agent_id is not None:
            await agent_by_id(services.registry.agents, self.agent_id)
        return values


def _user(user: User) -> Body:
    return (
        ("USER_ID", str(user.user_id)),
        ("USERNAME", user.user_name),
        ("EMPLOYEE_ID", user.employee_id),
        ("FIRST_NAME", user.first_name),
        ("LAST_NAME", user.last_name),
        ("AGENT", yes_no(user.agent_id is not None)),
        ("STATUS", user.status),
        ("ADD_TIME", us_time(user.added_at)),
        ("MOD_TIME", us_time(user.modified_at)),
        ("SYS_USER", user.sys_user),
        ("SYS_DOMAIN", user.sys_domain),
        ("EMAIL", user.email),
        ("CRM_USER", user.crm_user),
        ("SITE_ID", str(user.site_id)),
        ("PHONES", ",".join(user.phones)),
    )
