"""AGENTWINDOW."""

from __future__ import annotations

from typing import Annotated, ClassVar

from appliance.bus.commands import Services
from appliance.errors import ClientUnknownError, RequestError, RequiredBlankError
from appliance.messages.origin import Origin
from appliance.messages.registration import key
from appliance.messages.request import Request
from appliance.messages.result import Result
from appliance.messages.wire_text import short_time


class AgentWindow(Request):
    """Tells which window an agent's desktop last showed. With both parameters, both must be that desktop's."""

    keys: ClassVar[tuple[str, ...]] = ("computer_name", "user_name")
    keys_fault: ClassVar[type[RequestError]] = RequiredBlankError
    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: the latest report",
        "API_ERROR_CLIENT_NOT_FOUND: no such desktop has reported",
        "API_BLANK_REQUIRED_VALUE: neither parameter is given",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = (
        {"REQUESTID": "47", "COMPUTERNAME": "frontdesk", "USERNAME": "mreed"},
    )

    computer_name: Annotated[
        str | None,
        key("workstation", "COMPUTERNAME", 50, synonyms=("STATIONNAME", "STATION"), fault=ClientUnknownError),
    ] = None
    user_name: Annotated[
        str | None,
        key("network user", "USERNAME", 64, synonyms=("SYSUSERNAME", "SYS_USER"), fault=ClientUnknownError),
    ] = None

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Tell it."""
        windows = services.registry.windows
        found = await windows.latest(computer_name=self.computer_name or "", user_name=self.user_name or "")
        if found is None:
            raise ClientUnknownError
        body = (
            ("DOMAIN", found.domain),
            ("IPADDRESS", found.ip_address),
            ("STATUS", found.status),
            ("APPLICATIONTITLE", found.application_title),
            ("LASTUPDATE", short_time(found.reported_at)),
        )
        return self.result(body=body)
