"""Who is meant by a DEVICEID, a station, an alias or a user: the five ways to name a device."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Protocol, final

from appliance.calls.fields import CallFields
from appliance.errors import DeviceInvalidError


class Directory(Protocol):
    """What the store knows of stations and agents."""

    async def device_of_station(self, station: str) -> str | None:
        """Give the DEVICEID that IMPORTSTATION tied to the station."""
        ...

    async def phones_of_agent(self, *, sys_user: str = "", crm_user: str = "") -> list[str]:
        """Give the phone ids of the active agent of that user name."""
        ...

    def agent_of(self, device_alias: str, device_id: str) -> str:
        """Give the AGENTID of the active agent who has the alias as a phone, or else the device; blank for nobody."""
        ...


@final
@dataclasses.dataclass(slots=True)
class Device:
    """What was last told of a device; lower case in the look-ups, as it was sent in the fields."""

    device_id: str
    device_alias: str = ""
    station: str = ""
    sys_user: str = ""
    crm_user: str = ""
    mode: str = ""
    mode_changed_at: dt.datetime | None = None


@final
class DeviceTable:
    """Every device ever seen, with what was last told of it. Implements ``appliance.bus.commands.Devices``."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._devices: dict[str, Device] = {}

    def learn(self, device_id: str, fields: CallFields) -> Device:
        """Remember what a call tells of its device; a blank value leaves what was known."""
        device = self._devices.setdefault(device_id, Device(device_id))
        for name in ("device_alias", "station", "sys_user", "crm_user"):
            value = getattr(fields, name)
            if value:
                setattr(device, name, value)
        return device

    def known(self, device_id: str) -> Device | None:
        """Give what is known of the device."""
        return self._devices.get(device_id)

    def change_mode(self, device_id: str, mode: str, at: dt.datetime) -> None:
        """Remember what the agent at the device does, from that moment on."""
        device = self._devices.setdefault(device_id, Device(device_id))
        device.mode, device.mode_changed_at = mode, at

    def device_of_phones(self, phones: Sequence[str]) -> str:
        """Give the device that was last seen with one of an agent's phones, else the first phone; blank without any."""
        return self._of_phones(phones) or next(iter(phones), "")

    def agent_of(self, device_alias: str, device_id: str) -> str:
        """Give the AGENTID of a call on the device, blank where nobody has it; never waits."""
        return self._directory.agent_of(device_alias, device_id)

    async def resolve(
        self, device_id: str = "", station: str = "", device_alias: str = "", crm_user: str = "", sys_user: str = ""
    ) -> str:
        """Give the DEVICEID; the first key given counts, in the order of the parameters."""
        if device_id:
            return device_id
        if station:
            found = await self._directory.device_of_station(station) or self._last_with("station", station)
        elif device_alias:
            found = self._last_with("device_alias", device_alias)
        elif crm_user:
            found = self._last_with("crm_user", crm_user) or self._of_phones(
                await self._directory.phones_of_agent(crm_user=crm_user)
            )
        elif sys_user:
            found = self._last_with("sys_user", sys_user) or self._of_phones(
                await self._directory.phones_of_agent(sys_user=sys_user)
            )
        else:
            found = None
        if not found:
            raise DeviceInvalidError
        return found

    def _last_with(self, name: str, value: str) -> str | None:
        wanted = value.casefold()
        matching = [d.device_id for d in self._devices.values() if getattr(d, name).casefold() == wanted]
        return matching[-1] if matching else None

    def _of_phones(self, phones: Sequence[str]) -> str | None:
        for phone in phones:
            found = self._last_with("device_alias", phone) or (phone if phone in self._devices else None)
            if found:
                return found
        return None
