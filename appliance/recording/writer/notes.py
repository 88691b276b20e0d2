"""What the writer writes down for itself, so that whoever comes after it decides alike.

In the session's folder (memory) ``writer.jsonl``: places where a leg was given up for silent, and the end. Beside the
``.part`` (disk) ``<final>.part.json``: everything that a ``.part`` needs to become a recording without its session.
"""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path
from typing import Annotated, Any, Literal, final

import pydantic

from appliance.recording.facts import Blackout, Gap, LegFacts, Recording
from appliance.spool.records import Claimed

logger = logging.getLogger(__name__)


class _Note(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)


@final
class StallBegan(_Note):
    """The leg gave nothing while the recording went on: silence from this frame of the recording on."""

    note: Literal["stall_began"] = "stall_began"
    leg: int
    at_frame: int


@final
class StallEnded(_Note):
    """The leg's audio is used again from this frame of the recording on."""

    note: Literal["stall_ended"] = "stall_ended"
    leg: int
    at_frame: int


@final
class Shifted(_Note):
    """The leg went on late without telling a loss: ``frames`` of silence go before ``file_frame`` of its file."""

    note: Literal["shifted"] = "shifted"
    leg: int
    file_frame: int
    frames: int


@final
class Saved(_Note):
    """The recording is whole under its final name; only its remains are to be removed."""

    note: Literal["saved"] = "saved"
    record_id: int
    sidecar: str
    inbox_note: str
    part: str


WriterNote = Annotated[StallBegan | StallEnded | Shifted | Saved, pydantic.Field(discriminator="note")]
WRITER_NOTES: pydantic.TypeAdapter[WriterNote] = pydantic.TypeAdapter(WriterNote)


@final
class PartNote(_Note):
    """Content of ``<final>.part.json``.

    ``recording`` is there from the moment at which the ``.part`` is whole; before that the rest tells what is known
    so far. ``claim`` carries the call's fields as they were last changed.
    """

    claim: Claimed
    session: str
    tap: str
    line: str
    rate_hz: int
    began_at: dt.datetime
    begin_mono_s: float
    legs: tuple[LegFacts, ...] = ()
    gaps: tuple[Gap, ...] = ()
    blackouts: tuple[Blackout, ...] = ()
    measured: dict[str, Any] = {}
    recording: Recording | None = None


def note_path(part: Path) -> Path:
    """Where the note of a ``.part`` lies."""
    return part.with_name(part.name + ".json")


def read_part_note(part: Path) -> PartNote | None:
    """Read the note of a ``.part``; None if it has none, or one that the disk has spoilt. Raises OSError."""
    try:
        return PartNote.model_validate_json(note_path(part).read_bytes())
    except FileNotFoundError:
        return None
    except pydantic.ValidationError:
        logger.exception("%s makes no sense and is left alone", note_path(part))
        return None
