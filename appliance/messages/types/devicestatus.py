"""DEVICESTATUS."""

from __future__ import annotations

from typing import ClassVar

from appliance.bus.commands import DeviceView, Services
from appliance.messages.device_list import devices_section
from appliance.messages.device_request import DEVICE_KEYS, DeviceRequest
from appliance.messages.origin import Origin
from appliance.messages.result import Result


class DeviceStatus(DeviceRequest):
    """Lists the devices that match every filter given, in any letter case; without a filter all of them.

    The keys are filters here: one that matches nothing is no error, and COUNT is 0.
    """

    keys: ClassVar[tuple[str, ...]] = ()
    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: always, as RESULTTYPE OK; RESULTMSG tells whether any device matches",
        "API_DEVICE_INVALID: a filter that is longer than any device's",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = ({"REQUESTID": "42", "DEVICEALIAS": "desk5"},)

    async def answer(self, services: Services, origin: Origin) -> Result:
        """List those that match."""
        wanted = {name: text.casefold() for name in (*DEVICE_KEYS, "call_instance") if (text := getattr(self, name))}
        found = [d for d in await services.status.devices() if _matches(d, wanted)]
        message = "Found the following matching devices" if found else "No matching devices found"
        body = devices_section(found, modes=services.api.device_modes)
        return self.result(result_type="OK", message=message, body=body)


def _matches(view: DeviceView, wanted: dict[str, str]) -> bool:
    own = {"device_id": view.device_id, "call_instance": view.call_instance}
    return all(str(own.get(name) or getattr(view.fields, name, "")).casefold() == text for name, text in wanted.items())
