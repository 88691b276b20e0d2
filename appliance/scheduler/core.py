"""The door of the core: every command that comes over the bus, and who does it."""

from __future__ import annotations

from typing import final

from appliance import clock
from appliance.bus.commands import Command
from appliance.bus.control import ChangeMode, StartChat, StartRecording, StopChat, StopRecording, UpdateChat
from appliance.calls.devices import DeviceTable
from appliance.scheduler.chats import Chats
from appliance.scheduler.on_order import OnOrder
from appliance.scheduler.service import Scheduler


@final
class Core:
    """Implements ``appliance.bus.inproc.Core``. Commands about calls and blackouts are the scheduler's own."""

    def __init__(self, scheduler: Scheduler, on_order: OnOrder, chats: Chats, devices: DeviceTable) -> None:
        self._scheduler = scheduler
        self._on_order = on_order
        self._chats = chats
        self._devices = devices

    @property
    def closing(self) -> bool:
        """Whether the core takes no more commands."""
        return self._scheduler.closing

    async def handle(self, command: Command) -> bool:
        """Do a command; True if there was (or now is) an open call for it. Raises its RequestError to refuse it."""
        match command:
            case StartRecording():
                return await self._on_order.start(command)
            case StopRecording():
                return self._on_order.stop(command)
            case StartChat():
                return self._chats.start(command)
            case UpdateChat():
                return self._chats.update(command)
            case StopChat():
                return self._chats.stop(command)
            case ChangeMode():
                self._devices.change_mode(command.device_id, command.mode, clock.now())
                return self._scheduler.calls.find(command.device_id, None) is not None
            case _:
                return await self._scheduler.handle(command)
