"""IMPORTGROUP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from appliance import clock
from appliance.bus.commands import Services
from appliance.errors import ActionInvalidError, KeysNotUniqueError
from appliance.messages.lookup import group_of
from appliance.messages.origin import Origin
from appliance.messages.parameter import Choice
from appliance.messages.registration import GroupId, Needs, Registration, facts, key
from appliance.messages.result import Body, Result
from appliance.store.groups import Group


class ImportGroup(Registration):
    """Renames, deletes or lists permission groups.

    MODIFY gives the group of GROUPID the name GROUPNAME. DELETE takes GROUPID, or else GROUPNAME; what was put into the
    group leaves it, and the number is not given again. ADDGROUP adds groups.
    """

    needs: ClassVar[Mapping[str, Needs]] = {
        "MODIFY": (("group_id",), ("group_name",)),
        "DELETE": (("group_id", "group_name"),),
    }
    ids: ClassVar[tuple[str, ...]] = ("group_id",)
    reconstructed: ClassVar[str] = "Linetap's own, no source has this message"
    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: done; GROUPID and GROUPNAME are the group's (LIST: the groups)",
        "API_NO_GROUP: no such group",
        "API_ERROR_KEYS_NOT_UNIQUE: MODIFY: another group has the name",
        "API_ERROR_INVALID_ACTION: ACTION is none of those below",
        "API_BLANK_REQUIRED_VALUE: no ACTION; MODIFY without both, DELETE without either",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = ({"REQUESTID": "68", "ACTION": "LIST"},)

    action: Annotated[
        str | None, Choice("what to do", words=("MODIFY", "DELETE", "LIST"), required=True, fault=ActionInvalidError)
    ] = None
    group_name: Annotated[str | None, key("group", "GROUPNAME", 255)] = None
    group_id: GroupId = None

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Do what ACTION says."""
        groups = services.registry.groups
        if self.action == "LIST":
            section = tuple(("GROUP", _group(group)) for group in await groups.all())
            return self.result(body=(("COUNT", str(len(section))), ("GROUPS", section)))
        before = await group_of(groups, None if self.group_id else self.group_name, self.group_id)
        if self.action == "DELETE":
            await groups.delete(before.group_id, clock.now())
        elif not await groups.rename(before.group_id, self.group_name or ""):
            raise KeysNotUniqueError
        after = await groups.by_id(before.group_id)
        self.note(services, origin, before=facts(before), after=facts(after))
        return self.result(body=(("GROUPID", str(before.group_id)), ("GROUPNAME", (after or before).name)))


def _group(group: Group) -> Body:
    return (
        ("GROUPID", str(group.group_id)),
        ("GROUPNAME", group.name),
        ("PHONES", ",".join(group.phones)),
        ("USERS", ",".join(group.users)),
    )
