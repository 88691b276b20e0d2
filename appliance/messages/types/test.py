"""TEST."""

from __future__ import annotations

from typing import ClassVar

from appliance.bus.commands import Services
from appliance.messages.origin import Origin, Port
from appliance.messages.request import Request
from appliance.messages.result import Result


class Test(Request):
    """Echo: tells that the box answers."""

    ports: ClassVar[frozenset[Port]] = frozenset(Port)
    returns: ClassVar[tuple[str, ...]] = ("API_OK: always",)
    samples: ClassVar[tuple[dict[str, str], ...]] = ({"REQUESTID": "17"},)

    def answer(self, services: Services, origin: Origin) -> Result:
        """Echo."""
        return self.result()
