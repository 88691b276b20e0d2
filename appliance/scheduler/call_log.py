"""Write every call and its outcome into the database, behind the calls' backs. Implements ``service.CallLog``."""

from __future__ import annotations

import asyncio
import logging
from typing import final

from appliance import clock
from appliance.calls.call import Call
from appliance.errors import DatabaseError
from appliance.store.calls import Calls, LoggedCall
from appliance.store.devices import Devices, KnownDevice

logger = logging.getLogger(__name__)

MOST_WAITING = 10_000


@final
class StoredCallLog:
    """Keeps the latest state of each noted call until the database has it.

    At most :data:`MOST_WAITING` calls wait for a database that fails; past that the oldest are dropped, and the log
    says so. The recordings themselves do not pass here.
    """

    def __init__(self, calls: Calls, devices: Devices, *, retry_s: float = 5.0) -> None:
        self._calls = calls
        self._devices = devices
        self._retry_s = retry_s
        self._waiting: dict[str, LoggedCall] = {}
        self._wake = asyncio.Event()
        self._failing = False

    def note(self, call: Call) -> None:
        """Take the call as it is now."""
        self._waiting.pop(call.global_call_id, None)
        self._waiting[call.global_call_id] = LoggedCall(
            global_call_id=call.global_call_id,
            core_id=call.core_id,
            device_id=call.device_id,
            call_instance=call.call_instance,
            started_at=call.started_at,
            stopped_at=call.stopped_at,
            outcome=call.outcome,
            reason=call.reason,
            record_id=call.record_id,
            fields=call.fields,
        )
        if len(self._waiting) > MOST_WAITING:
            dropped = self._waiting.pop(next(iter(self._waiting)))
            logger.error("call %s is not in the log of calls: too many wait", dropped.global_call_id)
        self._wake.set()

    async def run(self) -> None:
        """Write for ever; a vital task."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not await self.flush():
                await asyncio.sleep(self._retry_s)
                self._wake.set()

    async def flush(self) -> bool:
        """Write what waits; False if the database did not take it all."""
        while self._waiting:
            call_id = next(iter(self._waiting))
            call = self._waiting[call_id]
            try:
                await self._calls.save(call)
                await self._devices.save([_known(call)])
            except DatabaseError as error:
                if not self._failing:
                    logger.error("the log of calls waits for the database: %s", error)  # noqa: TRY400 - told there
                self._failing = True
                return False
            self._failing = False
            if self._waiting.get(call_id) is call:
                del self._waiting[call_id]
        return True


def _known(call: LoggedCall) -> KnownDevice:
    return KnownDevice(
        device_id=call.device_id,
        first_seen_at=call.started_at,
        last_seen_at=clock.now(),
        call_instance=call.call_instance,
        call_started_at=call.started_at,
        call_stopped_at=call.stopped_at,
        fields=call.fields,
    )
