"""The calls going on, and of every device ever seen its last one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from appliance.calls.call import Call


@final
class CallTable:
    """Calls by device and instance, devices in the order of first sight.

    Memory is bounded by the number of devices and open calls: of the ended calls of a device only the latest stays,
    and only while no call is open on it.
    """

    def __init__(self) -> None:
        self._calls: dict[str, list[Call]] = {}

    def add(self, call: Call) -> None:
        """Add an open call; ended ones of its device go."""
        kept = [c for c in self._calls.get(call.device_id, []) if c.open]
        self._calls[call.device_id] = [*kept, call]

    def find(self, device_id: str, call_instance: str | None) -> Call | None:
        """Give the open call of that instance; None as instance means the latest open one."""
        opened = [c for c in self._calls.get(device_id, []) if c.open]
        if call_instance is not None:
            opened = [c for c in opened if c.call_instance == call_instance]
        return opened[-1] if opened else None

    def ended(self, call: Call) -> None:
        """Forget an ended call of a device that has another one to show."""
        calls = self._calls.get(call.device_id, [])
        opened = [c for c in calls if c.open]
        self._calls[call.device_id] = opened or [call]

    def open_calls(self) -> list[Call]:
        """All calls that go on."""
        return [c for c in self if c.open]

    def __iter__(self) -> Iterator[Call]:
        for calls in self._calls.values():
            yield from calls
