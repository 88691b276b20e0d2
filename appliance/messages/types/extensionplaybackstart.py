"""EXTENSIONPLAYBACKSTART."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

from appliance.bus.commands import PlaybackEnd, PlaybackOrder, Services
from appliance.errors import FileMissingError, RequiredBlankError, ValueInvalidError
from appliance.messages.origin import Origin
from appliance.messages.parameter import Text
from appliance.messages.playback_request import PlaybackRequest
from appliance.messages.result import Result

logger = logging.getLogger(__name__)


class ExtensionPlaybackStart(PlaybackRequest):
    """Plays a recording to a phone.

    Without a BARGECODE the device is called, and hears it when it answers; the channel is free when it hangs up. With
    one the call at the device is joined; the channel is free at the end of the recording, of that call, or by
    EXTENSIONPLAYBACKSTOP. The answer comes when the call is on its way; what came of it stands in the audit. FILENAME
    lies inside a recording path; without it UNIQUEFIELD and UNIQUEID name the newest recording that matches.
    """

    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: the phone is being called",
        "API_DEVICE_INVALID: no key given, no device matches, or its number cannot be dialled",
        "API_BLANK_REQUIRED_VALUE: nothing to play is named; BARGE, or SSC where no line joins, without BARGECODE",
        "API_FILE_NOT_FOUND: no recording matches, or its file is gone or outside the recording paths",
        "API_ERROR_NO_FREE_CHANNELS: no line that can play is free",
        "API_ERROR_RECORDER_NOT_RUNNING: the line cannot call",
        "API_ERROR_INVALID_ACTION: PLAYBACKTYPE is none of those below",
        "API_REQUESTID_INVALID: REQUESTID out of range",
        "API_ERROR_PROCESSING_MESSAGE: a value that cannot be used",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = (
        {"REQUESTID": "65", "DEVICE": "5551", "UNIQUEFIELD": "user2", "UNIQUEID": "Order 7782"},
    )

    unique_field: Annotated[
        str | None,
        Text(
            "parameter or column that names the recording",
            name="UNIQUEFIELD",
            synonyms=("UNIQUE_FIELD",),
            length=64,
            over_long="refuse",
            blank="is not passed",
        ),
    ] = None
    unique_id: Annotated[
        str | None,
        Text(
            "its value",
            name="UNIQUEID",
            synonyms=("UNIQUE_ID",),
            length=1024,
            over_long="refuse",
            blank="is not passed",
        ),
    ] = None
    filename: Annotated[
        str | None,
        Text("file inside a recording path; counts first", length=1024, over_long="refuse", blank="is not passed"),
    ] = None

    @classmethod
    def judge_presence(cls, passed: Mapping[str, str]) -> None:
        """What is to be played is needed too."""
        super().judge_presence(passed)
        if not passed.get("filename") and not (passed.get("unique_field") and passed.get("unique_id")):
            raise RequiredBlankError("FILENAME, or UNIQUEFIELD and UNIQUEID, is required")

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Find phone and file, and have the phone called."""
        code = self.code()
        path = await self._file(services, origin) if self.filename else await self._recording(services)
        order = PlaybackOrder(
            phone=await self.phone(services), path=path, barge_code=code, join=self.playback_type == "SSC"
        )
        await services.playback.start(order, lambda end: self._over(services, origin, order, end))
        self.note(services, origin, after=order.model_dump(mode="json"))
        return self.result()

    def _over(self, services: Services, origin: Origin, order: PlaybackOrder, end: PlaybackEnd) -> None:
        """Leave a second row, under the name of who ordered it: what came of it."""
        told = {"phone": order.phone, "path": str(order.path), **end.model_dump(mode="json")}
        told["channel"] = end.channel + services.api.channel_id_base
        services.audit.note(f"{self.deed()} END", port=origin.port.value, peer=origin.peer, who=origin.who, after=told)

    async def _file(self, services: Services, origin: Origin) -> Path:
        # Nobody need prove who they are on this port, so no client may hear a file outside the recordings.
        path = await asyncio.to_thread(_below, services.recording_roots, Path(str(self.filename)))
        if path is None:
            logger.warning("refused: playback of %r by %s: outside the recordings", self.filename, origin.peer)
            raise FileMissingError
        return path

    async def _recording(self, services: Services) -> Path:
        column = str(self.unique_field).lower()
        if column not in services.records.columns():
            raise ValueInvalidError(f"UNIQUEFIELD has no column {self.unique_field}")
        recording = await services.records.find_newest(column, str(self.unique_id))
        if recording is None or not recording.filename:
            raise FileMissingError
        return Path(recording.filename)


def _below(roots: tuple[Path, ...], path: Path) -> Path | None:
    """Give the file behind every link and ``..`` if it lies in one of the folders. Asks the disk."""
    if not path.is_absolute():
        return None
    try:
        found = path.resolve()
        return found if any(found.is_relative_to(root.resolve()) for root in roots) else None
    except (OSError, RuntimeError, ValueError):  # unreadable folder, links in a circle, a NUL in the name
        return None
