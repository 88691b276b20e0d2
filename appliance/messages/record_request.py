"""What the messages about one finished recording have in common: UNIQUEFIELD and UNIQUEID name it."""

from __future__ import annotations

from typing import Annotated

from appliance.bus.commands import Services
from appliance.errors import FileMissingError, RecordIdInvalidError, ValueInvalidError
from appliance.messages.parameter import INT32_MAX, Text
from appliance.messages.request import Request
from appliance.recording.facts import Recording

_RECORD_IDS = frozenset({"recordid", "ident"})


MediaFormat = Annotated[
    str | None,
    Text(
        "suffix of the format: wav, mp3, m4a or vox",
        synonyms=("MEDIAFORMAT",),
        length=16,
        over_long="refuse",
        required=True,
    ),
]


class RecordRequest(Request):
    """A request about the newest recording whose field has a value."""

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

    def judge_field(self, services: Services) -> None:
        """Raise ValueInvalidError for a field that no record has, RecordIdInvalidError for an id that is none."""
        column = str(self.unique_field).lower()
        if column not in services.records.columns():
            raise ValueInvalidError(f"UNIQUEFIELD has no column {self.unique_field}")
        if column in _RECORD_IDS and not _is_record_id(str(self.unique_id)):
            raise RecordIdInvalidError

    async def find(self, services: Services) -> Recording:
        """Give the recording. Raises FileMissingError, DatabaseError."""
        recording = await services.records.find_newest(str(self.unique_field).lower(), str(self.unique_id))
        if recording is None:
            raise FileMissingError
        return recording


def _is_record_id(value: str) -> bool:
    return value.isascii() and value.isdigit() and 0 < int(value[:11]) <= INT32_MAX
