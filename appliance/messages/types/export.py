"""EXPORT."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from appliance.bus.commands import Services
from appliance.messages.origin import Origin, Port
from appliance.messages.record_request import MediaFormat, RecordRequest
from appliance.messages.result import Attachment, Result


class Export(RecordRequest):
    """Gives the audio of a recording as a file. WebAPI only.

    Where several recordings match, the newest one is given.
    """

    ports: ClassVar[frozenset[Port]] = frozenset({Port.WEB})
    returns: ClassVar[tuple[str, ...]] = (
        "the octets of the file: success",
        "API_BLANK_REQUIRED_VALUE: one of the three parameters is missing",
        "API_ERROR_PROCESSING_MESSAGE: no such field or format",
        "API_RECORDID_INVALID: a record id that is no positive integer",
        "API_FILE_NOT_FOUND: no recording matches, or its file is gone",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = (
        {"REQUESTID": "60", "UNIQUEFIELD": "user2", "UNIQUEID": "Order 7782", "MEDIA_FORMAT": "mp3"},
        {"REQUESTID": "61", "UNIQUEFIELD": "user2", "UNIQUEID": "Order 9999", "MEDIA_FORMAT": "mp3"},
    )

    media_format: MediaFormat = None

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Find the newest recording and open it in the format."""
        suffix = str(self.media_format).lower()
        self.judge_field(services)
        media_type = services.exporter.media_type(suffix)
        recording = await self.find(services)
        length_bytes, chunks = await services.exporter.open(recording, suffix)
        filename = f"{Path(recording.filename).stem}.{suffix}"
        self.note(services, origin, after={"record_id": recording.record_id, "format": suffix})
        version = f"{recording.audio_hash}-{suffix}" if recording.audio_hash else ""
        return self.attach(Attachment(chunks, length_bytes, media_type, filename, version))
