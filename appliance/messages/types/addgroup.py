"""ADDGROUP."""

from __future__ import annotations

from typing import Annotated, ClassVar

from appliance import clock
from appliance.bus.commands import Services
from appliance.messages.origin import Origin
from appliance.messages.registration import Registration, facts, key
from appliance.messages.result import Result


class AddGroup(Registration):
    """Adds a permission group. One of the same name, in any letter case, stays as it is: the answer has its GROUPID."""

    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: the group is there; GROUPID is its number, GROUPNAME as it was sent",
        "API_BLANK_REQUIRED_VALUE: no GROUPNAME",
        "API_ERROR_PROCESSING_MESSAGE: GROUPNAME is too long",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = ({"REQUESTID": "65", "GROUPNAME": "Sales & Service"},)

    name: Annotated[str | None, key("group", "GROUPNAME", 255, synonyms=("GROUP",), required=True)] = None

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Add it."""
        groups, name = services.registry.groups, self.name or ""
        group_id, added = await groups.add(name, clock.now())
        if added:
            self.note(services, origin, after=facts(await groups.by_id(group_id)))
        body = (("GROUPID", str(group_id)), ("GROUPNAME", name))
        return self.result(message=f"group: {name} has been added", body=body)
