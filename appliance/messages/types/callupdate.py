"""CALLUPDATE in its three forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from appliance.bus.commands import Services, UpdateCall
from appliance.errors import DatabaseError, RecordIdInvalidError
from appliance.messages.call_data import DESCRIPTIVE, CallData
from appliance.messages.origin import Origin
from appliance.messages.parameter import Flag, Number
from appliance.messages.result import Result

_LIVE_FIELDS = (
    *("device_alias", "sys_user", "crm_user", "station", *DESCRIPTIVE, "call_id", "priority"),
    *("archive_action", "keep_days"),
)


class CallUpdate(CallData):
    """Changes the data of a call. An absent parameter leaves, a present and blank one clears descriptive data.

    Three forms:

    - live: the open call of the device. The scheduler does not decide again.
    - UPDATE_IF_NOT_RECORDING is Y: the open call as above; where the device has none, its last recording.
    - RECORDID is given: that recording. DEVICEID and DEVICEALIAS are then data to write, no keys; KEEPDAYS,
      ARCHIVEACTION and PRIORITY have no effect.
    """

    request_id_required: ClassVar[bool] = True
    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: every core was told, or the recording was changed (RESULTMSG tells which)",
        "API_PARTIAL_CORE_RESPONSE: some cores could not be told; RESULTMSG lists them",
        "API_ERROR_RECORDER_NOT_RUNNING: no core could be told",
        "API_DEVICE_INVALID: no key given, or no device matches",
        "API_DEVICE_NOT_IN_CALL: live form without an open call, with strict_call_state",
        "API_RECORDID_INVALID: RECORDID is no record id, or the device has no recording",
        "API_DATABASE_QUERY_ERROR: no recording was changed",
        "API_REQUESTID_INVALID: REQUESTID missing or out of range",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = (
        {"REQUESTID": "34", "DEVICEID": "5551", "USER2": "Order 7781"},
        {"REQUESTID": "35", "DEVICEID": "5552", "USER2": "Order 7782", "UPDATE_IF_NOT_RECORDING": "Y"},
        {"REQUESTID": "36", "RECORDID": "204", "USER3": "Complaint"},
    )

    update_if_not_recording: Annotated[
        bool | None, Flag("change the last recording where the device is not in a call; N while nobody says")
    ] = None
    record_id: Annotated[
        int | None,
        Number("recording to change; chooses the third form", name="RECORDID", lowest=1, fault=RecordIdInvalidError),
    ] = None

    @classmethod
    def judge_presence(cls, passed: Mapping[str, str]) -> None:
        """A RECORDID needs no device."""
        if not passed.get("record_id"):
            super().judge_presence(passed)

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Take the form that the parameters choose."""
        if self.record_id is not None:
            written = {k: v for k in ("device_id", "device_alias") if (v := getattr(self, k))}
            return await self._store(services, origin, self.record_id, written | self.passed(DESCRIPTIVE))
        device_id = await self.device(services)
        fields = self.passed(_LIVE_FIELDS)
        command = UpdateCall(device_id=device_id, call_instance=self.call_instance, fields=fields)
        delivery = await services.bus.send(command)
        if self.update_if_not_recording and delivery.reached and not delivery.in_call:
            return await self._store_last(services, origin, device_id)
        self.judge_call_state(delivery, services)
        if delivery.in_call and fields:
            self.note(services, origin, after={"device_id": device_id} | fields)
        return self.delivered(delivery, services)

    async def _store_last(self, services: Services, origin: Origin, device_id: str) -> Result:
        record_id = await services.records.last_of_device(device_id)
        if record_id is None:
            raise RecordIdInvalidError
        return await self._store(services, origin, record_id, self.passed((*DESCRIPTIVE, "call_id")))

    async def _store(self, services: Services, origin: Origin, record_id: int, changes: dict[str, Any]) -> Result:
        if not await services.records.update(record_id, changes):
            raise DatabaseError
        self.note(services, origin, after={"record_id": record_id} | changes)
        return self.result(message="Updated recording in database")
