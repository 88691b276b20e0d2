"""STATIONS."""

from __future__ import annotations

from typing import ClassVar

from appliance.bus.commands import Services
from appliance.messages.origin import Origin
from appliance.messages.request import Request
from appliance.messages.result import Result


class Stations(Request):
    """Lists every station with its device, by name."""

    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: always",
        "API_DATABASE_QUERY_ERROR: the database could not be read",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = ({"REQUESTID": "45"},)

    async def answer(self, services: Services, origin: Origin) -> Result:
        """List; COUNT stands before STATIONS."""
        section = tuple(
            ("STATION", (("STATIONNAME", station), ("DEVICEID", device_id)))
            for station, device_id in await services.registry.stations.all()
        )
        return self.result(body=(("COUNT", str(len(section))), ("STATIONS", section)))
