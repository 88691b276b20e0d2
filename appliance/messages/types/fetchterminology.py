"""FETCHTERMINOLOGY."""

from __future__ import annotations

from typing import ClassVar

from appliance.bus.commands import Services
from appliance.messages.origin import Origin
from appliance.messages.request import Request
from appliance.messages.result import Result


class FetchTerminology(Request):
    """Lists what this site calls things, by name. IMPORTTERMINOLOGY changes it."""

    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: always",
        "API_DATABASE_QUERY_ERROR: the database could not be read",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = ({"REQUESTID": "46"},)

    async def answer(self, services: Services, origin: Origin) -> Result:
        """List; COUNT stands before SETTINGS."""
        terms = await services.registry.terms.all()
        section = tuple(("TERMINOLOGY", (("NAME", name), ("VALUE", value))) for name, value in terms.items())
        return self.result(body=(("COUNT", str(len(section))), ("SETTINGS", section)))
