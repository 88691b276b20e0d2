"""What the status messages show of the core: devices, channels and the machine. Implements ``bus.commands.Status``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import final

from appliance.bus.commands import ChannelView, DeviceView, SystemView
from appliance.calls.call import Call
from appliance.calls.devices import Device, DeviceTable
from appliance.channels.channel import Channel
from appliance.scheduler.chats import Chats
from appliance.scheduler.service import Scheduler


@final
class CoreStatus:
    """Views of one core.

    Parameters
    ----------
    read_system
        Reads disk, processors and memory; run in a thread.
    """

    def __init__(
        self, scheduler: Scheduler, chats: Chats, devices: DeviceTable, read_system: Callable[[], SystemView]
    ) -> None:
        self._scheduler = scheduler
        self._chats = chats
        self._devices = devices
        self._read_system = read_system

    async def devices(self) -> list[DeviceView]:
        """Every call of every device ever seen, by first sight; then the chats that go on."""
        calls = [*self._scheduler.calls, *self._chats]
        return [_device_view(call, self._devices.known(call.device_id)) for call in calls]

    async def channels(self) -> list[ChannelView]:
        """Every channel by its id."""
        return [_channel_view(channel) for channel in self._scheduler.pool]

    async def system(self) -> SystemView:
        """Disk, processors, memory, uptime as they are now."""
        return await asyncio.to_thread(self._read_system)


def _device_view(call: Call, device: Device | None) -> DeviceView:
    return DeviceView(
        device_id=call.device_id,
        call_instance=call.call_instance,
        fields=call.fields,
        is_trunk=call.is_trunk,
        started_at=call.started_at,
        stopped_at=call.stopped_at,
        core_id=call.core_id,
        is_recording=call.is_recording,
        filename=call.filename,
        mode=device.mode if device else "",
        mode_changed_at=device.mode_changed_at if device else None,
    )


def _channel_view(channel: Channel) -> ChannelView:
    return ChannelView(
        channel=channel.number,
        state=channel.state.value,
        playback_extension=channel.playback_extension,
        recording_device_alias=channel.device_alias,
        recording_device=channel.device_id,
        changed_at=channel.changed_at,
    )
