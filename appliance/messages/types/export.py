"""EXPORT."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from appliance.bus.commands import Services
from appliance.errors import FileMissingError, RecordIdInvalidError, ValueInvalidError
from appliance.messages.origin import Origin, Port
from appliance.messages.parameter import INT32_MAX, Text
from appliance.messages.request import Request
from appliance.messages.result import Attachment, Result

_RECORD_IDS = frozenset({"recordid", "ident"})


class Export(Request):
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
        {"REQUESTID": "61", "UNIQUEFIELD": "user2", "UNIQUEID": "Order 9999", "MEDIA_FORMAT": "mp3"},
    )

    unique_field: Annotated[
        str | None,
        Text(
            "parameter or column that names the recording",
            name="UNIQUEFIELD",
            synonyms=("UNIQUE_FIELD",),
            length=64,
            over_long="refuse",
            required=True,
        ),
    ] = None
    unique_id: Annotated[
        str | None,
        Text("its value", name="UNIQUEID", synonyms=("UNIQUE_ID",), length=1024, over_long="refuse", required=True),
    ] = None
    media_format: Annotated[
        str | None,
        Text("suffix of the format", synonyms=("MEDIAFORMAT",), length=16, over_long="refuse", required=True),
    ] = None

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Find the newest recording and open it in the format."""
        column, value, suffix = str(self.unique_field).lower(), str(self.unique_id), str(self.media_format).lower()
        if column not in services.records.columns():
            raise ValueInvalidError(f"UNIQUEFIELD has no column {self.unique_field}")
        if column in _RECORD_IDS and not _is_record_id(value):
            raise RecordIdInvalidError
        media_type = services.exporter.formats().get(suffix)
        if media_type is None:
            raise ValueInvalidError(f"MEDIA_FORMAT {self.media_format} is not available")
        recording = await services.records.find_newest(column, value)
        if recording is None:
            raise FileMissingError
        length_bytes, chunks = await services.exporter.open(recording, suffix)
        filename = f"{Path(recording.filename).stem}.{suffix}"
        return self.attach(Attachment(chunks, length_bytes, media_type, filename))


def _is_record_id(value: str) -> bool:
    return value.isascii() and value.isdigit() and 0 < int(value[:11]) <= INT32_MAX
