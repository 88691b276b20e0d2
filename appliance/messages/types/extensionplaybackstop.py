"""EXTENSIONPLAYBACKSTOP."""

from __future__ import annotations

from typing import ClassVar

from appliance.bus.commands import Services
from appliance.messages.origin import Origin
from appliance.messages.playback_request import PlaybackRequest
from appliance.messages.result import Result


class ExtensionPlaybackStop(PlaybackRequest):
    """Ends what is played to a phone, and frees its channel. A phone that hears nothing is no error."""

    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: nothing is played to the phone any more",
        "API_DEVICE_INVALID: no key given, or no device matches",
        "API_ERROR_INVALID_ACTION: PLAYBACKTYPE is none of those below",
        "API_REQUESTID_INVALID: REQUESTID out of range",
        "API_ERROR_PROCESSING_MESSAGE: a value that cannot be used",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = ({"REQUESTID": "66", "DEVICE": "5551"},)

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Find the phone and end it."""
        phone = await self.phone(services)
        if await services.playback.stop(phone):
            self.note(services, origin, after={"phone": phone})
        return self.result()
