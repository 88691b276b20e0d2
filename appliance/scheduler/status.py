"""What the status messages show of the core: devices, channels and the machine. Implements ``bus.commands.Status``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import final

from appliance.bus.commands import ChannelView, DeviceView, SystemView
from appliance.calls.call import Call
from appliance.channels.channel import Channel
from appliance.scheduler.service import Scheduler


@final
class CoreStatus:
    """Views of one core.

    Parameters
    ----------
    read_system
        Reads disk, processors and memory; run in a thread.
    """

    def __init__(self, scheduler: Scheduler, read_system: Callable[[], SystemView]) -> None:
        self._scheduler = scheduler
        self._read_system = read_system

    async def devices(self) -> list[DeviceView]:
        """Every call of every device ever seen, by first sight."""
        return [_device_view(call) for call in self._scheduler.calls]

    async def channels(self) -> list[ChannelView]:
        """Every channel by its id."""
        return [_channel_view(channel) for channel in self._scheduler.pool]

    async def system(self) -> SystemView:
        """Disk, processors, memory, uptime as they are now."""
        return await asyncio.to_thread(self._read_system)


def _device_view(call: Call) -> DeviceView:
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
