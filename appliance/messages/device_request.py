"""Requests about one device, which is named in one of five ways."""

from __future__ import annotations

import abc
from typing import Annotated, ClassVar

from appliance.bus.commands import Delivery, Services
from appliance.errors import DeviceInvalidError, DeviceNotInCallError
from appliance.messages.delivery import told_cores
from appliance.messages.parameter import Text
from appliance.messages.request import Request
from appliance.messages.result import Result

DEVICE_KEYS = ("device_id", "station", "device_alias", "crm_user", "sys_user")
"""Fields that name a device, by precedence."""

_FAULT = DeviceInvalidError


class DeviceRequest(Request, abc.ABC):
    """Request with the five keys of a device and the instance of a call."""

    keys: ClassVar[tuple[str, ...]] = DEVICE_KEYS

    device_id: Annotated[
        str | None,
        Text(
            "device; an unknown one is created on first use",
            name="DEVICEID",
            length=64,
            over_long="refuse",
            blank="is not passed",
            fault=_FAULT,
        ),
    ] = None
    device_alias: Annotated[
        str | None,
        Text(
            "phone id of the agent; finds the device where no DEVICEID is given",
            name="DEVICEALIAS",
            length=15,
            over_long="refuse",
            blank="is not passed",
            fault=_FAULT,
        ),
    ] = None
    station: Annotated[
        str | None,
        Text(
            "workstation; finds the device where no DEVICEID is given",
            name="STATIONNAME",
            synonyms=("COMPUTERNAME", "STATION"),
            length=50,
            over_long="refuse",
            blank="is not passed",
            fault=_FAULT,
        ),
    ] = None
    sys_user: Annotated[
        str | None,
        Text(
            "network user of the agent; finds the device where no other key is given",
            synonyms=("SYSUSERNAME",),
            length=30,
            over_long="refuse",
            blank="is not passed",
            fault=_FAULT,
        ),
    ] = None
    crm_user: Annotated[
        str | None,
        Text(
            "CRM user of the agent; finds the device, before SYS_USER",
            synonyms=("CRMUSERNAME",),
            length=30,
            over_long="refuse",
            blank="is not passed",
            fault=_FAULT,
        ),
    ] = None
    call_instance: Annotated[
        str | None,
        Text(
            "tells calls on one device apart; without it the last call on the device is meant",
            name="CALLINSTANCE",
            length=255,
            over_long="refuse",
            blank="is not passed",
        ),
    ] = None

    async def device(self, services: Services) -> str:
        """Find the DEVICEID. Raises DeviceInvalidError."""
        keys = {key: getattr(self, key) or "" for key in DEVICE_KEYS}
        return await services.devices.resolve(**keys)

    def delivered(self, delivery: Delivery, services: Services) -> Result:
        """Tell which cores took the command. Raises RecorderNotRunningError when none did."""
        text = told_cores(self.envelope.request_type, delivery)
        if delivery.failed:
            return self.result(message=text, result_type="API_PARTIAL_CORE_RESPONSE", code=services.api.partial_code)
        return self.result(message=text)

    @staticmethod
    def judge_call_state(delivery: Delivery, services: Services) -> None:
        """Raise DeviceNotInCallError where the settings are strict and no core had an open call."""
        strict = services.strict_call_state or services.api.strict_call_state
        if strict and delivery.reached and not delivery.in_call:
            raise DeviceNotInCallError
