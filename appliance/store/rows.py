"""Rows of the table of recordings, and the recordings that they stand for."""

from __future__ import annotations

import datetime as dt
from typing import Any

from appliance import clock
from appliance.calls.fields import CallFields
from appliance.recording.facts import Recording

COLUMN_OF_FIELD: dict[str, str] = {
    "group": "sgroup",
    "keep_days": "asked_keep_days",
    "archive_action": "asked_archive_action",
    "priority": "asked_priority",
}
"""Fields of a call whose column has another name; the rest are called alike."""

_DOCUMENTS = ("legs", "gaps", "blackouts", "measured")

AUDIO_COLUMNS: tuple[str, ...] = (
    *("format", "stopped_at", "filename", "encoding", "rate_hz", "channels", "frames", "duration_s", "audio_size"),
    *("audio_hash", *_DOCUMENTS, "interrupted", "end_reason"),
)
"""What the file says. Told again, it replaces what is there; descriptive columns may have been changed since."""

_FIELDS = tuple(CallFields.model_fields)
_FACTS = tuple(name for name in Recording.model_fields if name != "fields")


def column_of_field(name: str) -> str:
    """Name of the column that holds the call's field ``name``."""
    return COLUMN_OF_FIELD.get(name, name)


def row_of(recording: Recording) -> dict[str, Any]:
    """Columns and their values. Naive moments of a hand-made sidecar are refused with ValueError when stored."""
    row = {name: getattr(recording, name) for name in _FACTS}
    row |= {column_of_field(name): getattr(recording.fields, name) for name in _FIELDS}
    row |= recording.model_dump(mode="json", include=set(_DOCUMENTS))
    row["utc_offset_s"] = _offset_s(recording.started_at)
    return row


def recording_of(row: dict[str, Any]) -> Recording:
    """Give the recording of a row; columns that a recording does not have are left out."""
    facts = {name: row[name] for name in _FACTS}
    fields = {name: row[column_of_field(name)] for name in _FIELDS}
    return Recording.model_validate({**facts, "fields": fields})


def _offset_s(moment: dt.datetime) -> int:
    offset = clock.local(moment).utcoffset()
    assert offset is not None, "an aware local time has an offset"
    return round(offset.total_seconds())
