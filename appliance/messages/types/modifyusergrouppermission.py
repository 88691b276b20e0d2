"""MODIFYUSERGROUPPERMISSION."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from appliance.bus.commands import Services
from appliance.errors import ActionInvalidError, GroupUnknownError, UserUnknownError
from appliance.messages.lookup import group_of
from appliance.messages.origin import Origin
from appliance.messages.parameter import Choice
from appliance.messages.registration import GroupId, Needs, Registration, kept, key
from appliance.messages.result import Result

_NEEDS: Needs = (("group_name", "group_id"), ("user_name",))


class ModifyUserGroupPermission(Registration):
    """Lets a user see the calls of a permission group, or no longer.

    GROUPNAME counts before GROUPID. DEVICEID is echoed and has no other effect. What is so already is no error.
    """

    synonyms: ClassVar[tuple[str, ...]] = ("MODIFYUSERGROUPEPERMISSION",)
    needs: ClassVar[Mapping[str, Needs]] = {"ADD": _NEEDS, "MODIFY": _NEEDS, "DELETE": _NEEDS}
    ids: ClassVar[tuple[str, ...]] = ("group_id",)
    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: done; the parameters that were sent, and GROUPID",
        "API_NO_GROUP: no such group",
        "API_USER_NOT_FOUND: no such user",
        "API_ERROR_INVALID_ACTION: ACTION is none of those below",
        "API_BLANK_REQUIRED_VALUE: no ACTION, group or USERNAME",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = (
        {"REQUESTID": "67", "ACTION": "DELETE", "GROUPID": "3", "USERNAME": "reviewer"},
    )

    action: Annotated[
        str | None,
        Choice("what to do; MODIFY is ADD", words=("ADD", "MODIFY", "DELETE"), required=True, fault=ActionInvalidError),
    ] = None
    group_name: Annotated[str | None, key("group", "GROUPNAME", 255, fault=GroupUnknownError)] = None
    group_id: GroupId = None
    device_id: Annotated[str | None, kept("echoed", "DEVICEID", 64)] = None
    user_name: Annotated[str | None, key("user", "USERNAME", 64, fault=UserUnknownError)] = None

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Let the user, or no longer."""
        groups = services.registry.groups
        group = await group_of(groups, self.group_name, self.group_id)
        user = await services.registry.users.by_name(self.user_name or "")
        if user is None:
            raise UserUnknownError
        if self.action == "DELETE":
            changed = await groups.release_user(group.group_id, user.user_id)
        else:
            changed = await groups.assign_user(group.group_id, user.user_id)
        if changed:
            facts = {"group_id": group.group_id, "user_id": user.user_id}
            self.note(services, origin, **{"before" if self.action == "DELETE" else "after": facts})
        sent = (
            ("ACTION", self.action),
            ("GROUPNAME", self.group_name),
            ("GROUPID", str(group.group_id)),
            ("DEVICEID", self.device_id),
            ("USERNAME", self.user_name),
        )
        return self.result(body=tuple((name, value) for name, value in sent if value))
