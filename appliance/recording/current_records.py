"""The store's records as messages see them, up to this moment. Implements ``appliance.bus.commands.Records``."""

from __future__ import annotations

from typing import Any, final

from appliance.recording.facts import Recording
from appliance.recording.saving import Saver
from appliance.store.records import Records


@final
class CurrentRecords:
    """Knows of recordings that ended just now and are not in the database yet: who asks for a last one waits."""

    def __init__(self, records: Records, saver: Saver) -> None:
        self._records = records
        self._saver = saver

    def columns(self) -> frozenset[str]:
        """Names that UNIQUEFIELD may have, in lower case."""
        return self._records.columns()

    async def find_newest(self, column: str, value: str) -> Recording | None:
        """Newest record whose column has the value."""
        return await self._records.find_newest(column, value)

    async def update(self, record_id: int, changes: dict[str, Any]) -> bool:
        """Change a record; False if there is none. Raises DatabaseError."""
        return await self._records.update(record_id, changes)

    async def last_of_device(self, device_id: str) -> int | None:
        """Record id of the device's last recording. Raises DatabaseError."""
        await self._saver.caught_up(device_id)
        return await self._records.last_of_device(device_id)
