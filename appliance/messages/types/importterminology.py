"""IMPORTTERMINOLOGY."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from appliance.bus.commands import Services
from appliance.errors import ActionInvalidError, KeysNotUniqueError, ValueInvalidError
from appliance.messages.origin import Origin
from appliance.messages.parameter import Choice
from appliance.messages.registration import Needs, Registration, key
from appliance.messages.result import Result


class ImportTerminology(Registration):
    """Changes what this site calls things.

    ADD is for a name that is not there yet, MODIFY for one that is. DELETE takes back a change, or a name that was
    added; the names that are always there then have their first word again. Names count in lower case.
    """

    needs: ClassVar[Mapping[str, Needs]] = {
        "ADD": (("name",), ("value",)),
        "MODIFY": (("name",), ("value",)),
        "DELETE": (("name",),),
    }
    reconstructed: ClassVar[str] = "Linetap's own, no source has this message"
    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: done; NAME, and VALUE as it is now (blank where the name is gone)",
        "API_ERROR_KEYS_NOT_UNIQUE: ADD: the name is there",
        "API_ERROR_INVALID_ACTION: ACTION is none of those below",
        "API_BLANK_REQUIRED_VALUE: no ACTION, NAME or VALUE",
        "API_ERROR_PROCESSING_MESSAGE: MODIFY, DELETE: there is no such name, or nobody changed it",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = (
        {"REQUESTID": "71", "ACTION": "MODIFY", "NAME": "user1", "VALUE": "Policy number"},
    )

    action: Annotated[
        str | None, Choice("what to do", words=("ADD", "MODIFY", "DELETE"), required=True, fault=ActionInvalidError)
    ] = None
    name: Annotated[str | None, key("name of the term", "NAME", 64)] = None
    value: Annotated[str | None, key("what it is called", "VALUE", 255)] = None

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Change it."""
        terms, name = services.registry.terms, (self.name or "").lower()
        before = (await terms.all()).get(name)
        if self.action == "DELETE":
            if not await terms.drop(name):
                raise ValueInvalidError("nobody changed a term of that NAME")
        else:
            self._judge(before)
            await terms.put(name, self.value or "")
        after = (await terms.all()).get(name)
        if after != before:
            self.note(services, origin, before=_facts(name, before), after=_facts(name, after))
        return self.result(body=(("NAME", name), ("VALUE", after or "")))

    def _judge(self, before: str | None) -> None:
        if self.action == "ADD" and before is not None:
            raise KeysNotUniqueError
        if self.action == "MODIFY" and before is None:
            raise ValueInvalidError("there is no term of that NAME")


def _facts(name: str, value: str | None) -> dict[str, str] | None:
    return None if value is None else {"name": name, "value": value}
