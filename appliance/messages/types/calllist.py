"""CALLLIST."""

from __future__ import annotations

from typing import ClassVar

from appliance.bus.commands import Services
from appliance.messages.device_list import devices_section
from appliance.messages.origin import Origin
from appliance.messages.request import Request
from appliance.messages.result import Result


class CallList(Request):
    """Lists the calls and sessions that go on, in the form of DEVICELIST."""

    reconstructed: ClassVar[str] = "sources have the name alone"
    returns: ClassVar[tuple[str, ...]] = ("API_OK: always", "API_REQUESTID_INVALID: REQUESTID out of range")
    samples: ClassVar[tuple[dict[str, str], ...]] = ({"REQUESTID": "45"},)

    async def answer(self, services: Services, origin: Origin) -> Result:
        """List."""
        going_on = [view for view in await services.status.devices() if view.stopped_at is None]
        return self.result(body=devices_section(going_on, modes=services.api.device_modes))
