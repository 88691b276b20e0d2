"""IMPORTSTATION."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from appliance.bus.commands import Services
from appliance.errors import ActionInvalidError, ClientUnknownError, DatabaseError
from appliance.messages.origin import Origin
from appliance.messages.parameter import Choice
from appliance.messages.registration import Needs, Registration, key
from appliance.messages.result import Result

_BOTH: Needs = (("device_id",), ("station",))


class ImportStation(Registration):
    """Puts a device at a station; every other place of either is forgotten.

    The DEVICEID of the answer is read back from the database; where the database fails it is the one that was there
    before. ACTION DELETE, which is Linetap's own, forgets a station, named by either.
    """

    usual_action: ClassVar[str] = "ADD"
    needs: ClassVar[Mapping[str, Needs]] = {"ADD": _BOTH, "MODIFY": _BOTH, "DELETE": (("device_id", "station"),)}
    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: done; DEVICEID as it is stored, STATIONNAME as it was sent",
        "API_BLANK_REQUIRED_VALUE: no DEVICEID or STATIONNAME",
        "API_ERROR_CLIENT_NOT_FOUND: DELETE: there is no such station",
        "API_ERROR_INVALID_ACTION: ACTION is none of those below",
        "API_DATABASE_QUERY_ERROR: the database could not do it",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = (
        {"REQUESTID": "64", "DEVICEID": "5561", "STATIONNAME": "BACKOFFICE"},
    )

    device_id: Annotated[str | None, key("device", "DEVICEID", 64)] = None
    station: Annotated[str | None, key("station", "STATIONNAME", 50, synonyms=("COMPUTERNAME", "STATION"))] = None
    action: Annotated[
        str | None,
        Choice("what to do; ADD while nobody says", words=("ADD", "MODIFY", "DELETE"), fault=ActionInvalidError),
    ] = None

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Put it there, or forget it."""
        if self.action == "DELETE":
            return await self._delete(services, origin)
        stations, device_id, station = services.registry.stations, self.device_id or "", self.station or ""
        before = {
            "device_id": await stations.device_of(station) or "",
            "station": await stations.station_of(device_id) or "",
        }
        try:
            stored = await stations.assign(device_id, station)
        except DatabaseError as error:
            there = await stations.device_of(station) or ""
            raise DatabaseError(error.detail, body=(("DEVICEID", there), ("STATIONNAME", station))) from error
        after = {"device_id": stored, "station": station}
        if after != before:
            self.note(services, origin, before=before, after=after)
        return self.result(body=(("DEVICEID", stored), ("STATIONNAME", station)))

    async def _delete(self, services: Services, origin: Origin) -> Result:
        stations = services.registry.stations
        station = self.station or await stations.station_of(self.device_id or "") or ""
        device_id = await stations.device_of(station)
        if device_id is None or not await stations.remove(station):
            raise ClientUnknownError
        self.note(services, origin, before={"device_id": device_id, "station": station})
        return self.result(body=(("DEVICEID", device_id), ("STATIONNAME", station)))
