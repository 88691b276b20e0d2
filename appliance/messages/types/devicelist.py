"""DEVICELIST."""

from __future__ import annotations

from typing import ClassVar

from appliance.bus.commands import Services
from appliance.messages.device_list import devices_section
from appliance.messages.origin import Origin
from appliance.messages.request import Request
from appliance.messages.result import Result


class DeviceList(Request):
    """Lists every device ever seen, one DEVICE for each of its calls; without a call its last one's data stay."""

    returns: ClassVar[tuple[str, ...]] = ("API_OK: always, as RESULTTYPE OK",)
    samples: ClassVar[tuple[dict[str, str], ...]] = ({"REQUESTID": "41"},)

    async def answer(self, services: Services, origin: Origin) -> Result:
        """List."""
        body = devices_section(await services.status.devices(), modes=services.api.device_modes)
        return self.result(result_type="OK", message="OK", body=body)
