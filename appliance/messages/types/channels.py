"""CHANNELS."""

from __future__ import annotations

from typing import ClassVar

from appliance.bus.commands import ChannelView, Services
from appliance.messages.origin import Origin
from appliance.messages.request import Request
from appliance.messages.result import Body, Result
from appliance.messages.wire_text import us_time


class Channels(Request):
    """Lists every channel with its state. IDs begin at the setting ``channel_id_base``."""

    returns: ClassVar[tuple[str, ...]] = ("API_OK: always", "API_DATABASE_QUERY_ERROR: the states cannot be read")
    samples: ClassVar[tuple[dict[str, str], ...]] = ({"REQUESTID": "44"},)

    async def answer(self, services: Services, origin: Origin) -> Result:
        """List; COUNT stands before CHANNELS."""
        found = await services.status.channels()
        base = services.api.channel_id_base
        section = tuple(("CHANNEL", _channel(view, base)) for view in found)
        return self.result(body=(("COUNT", str(len(found))), ("CHANNELS", section)))


def _channel(view: ChannelView, base: int) -> Body:
    return (
        ("ID", str(view.channel + base)),
        ("STATE", view.state),
        ("PLAYBACKEXTENSION", view.playback_extension),
        ("RECORDINGDEVICEALIAS", view.recording_device_alias),
        ("RECORDINGDEVICE", view.recording_device),
        ("LASTSTATECHANGE", us_time(view.changed_at)),
        ("LASTSTATECHANGEUNIXTIME", str(int(view.changed_at.timestamp()))),
    )
