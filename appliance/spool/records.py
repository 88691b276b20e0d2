"""What stands in a session's two files: facts of capture, and orders of the core."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, final

import pydantic

from appliance.calls.fields import CallFields
from drivers.contract import LossReason, Party


class _Record(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)


# --- capture.jsonl: written by the tap worker ---------------------------------------------------------------------


@final
class Opened(_Record):
    """First line: which line captures since when. ``lock`` is the worker's lock file; free means the worker died."""

    record: Literal["opened"] = "opened"
    session: str
    tap: str
    line: str
    lock: str
    opened_at: dt.datetime
    opened_mono_s: float


@final
class LegOpened(_Record):
    """A leg and the file it grows in. Frame ``skip_frames`` of the file stands for ``started_mono_s``."""

    record: Literal["leg"] = "leg"
    leg: int
    file: str  # name within the session's folder; .pcm is bare int16, .wav has 44 bytes of header
    party: Party
    rate_hz: int
    started_mono_s: float
    skip_frames: int = 0


@final
class Lost(_Record):
    """Frames are missing. ``in_file``: the leg's file holds silence or concealment in their place already.

    ``at_frame`` counts frames of the leg's time line (that is with all earlier gaps filled, ``skip_frames`` left
    out). Where ``in_file`` is false the writer puts ``frames`` of silence there, and the file goes on behind it.
    """

    record: Literal["lost"] = "lost"
    leg: int
    at_frame: int
    frames: int
    reason: LossReason
    in_file: bool


@final
class Measured(_Record):
    """Facts for the proof; later ones replace earlier ones of the same name."""

    record: Literal["measured"] = "measured"
    facts: dict[str, Any]


@final
class Closed(_Record):
    """Last line: nothing grows any more."""

    record: Literal["closed"] = "closed"
    reason: str
    closed_mono_s: float


CaptureRecord = Annotated[Opened | LegOpened | Lost | Measured | Closed, pydantic.Field(discriminator="record")]

# --- orders.jsonl: written by the core ----------------------------------------------------------------------------


@final
class Claimed(_Record):
    """The session becomes a recording. Audio before ``from_mono_s`` is left out.

    ``path`` is the final file (the writer makes its folder and, if the name is taken, adds ``-2``, ``-3``, ...
    only when the core did not reserve it). ``fields`` are the call's at that moment; :class:`FieldsChanged` follow.
    """

    record: Literal["claimed"] = "claimed"
    record_id: int
    global_call_id: str
    core_id: int
    channel: int
    device_id: str
    call_instance: str
    path: str
    encoding: str  # "ulaw", "alaw" or "pcm"
    started_at: dt.datetime
    from_mono_s: float
    call_started_at: dt.datetime
    schedule: str
    recording_type: str
    priority: int
    keep_days: int
    archive_action: int
    fields: CallFields


@final
class FieldsChanged(_Record):
    """CALLUPDATE during the recording: all fields as they are now."""

    record: Literal["fields"] = "fields"
    fields: CallFields
    keep_days: int
    archive_action: int


@final
class BlackoutBegan(_Record):
    """Audio from here on is silence. Written before the request is acknowledged."""

    record: Literal["blackout_began"] = "blackout_began"
    number: int
    from_mono_s: float
    reason: str = ""


@final
class BlackoutEnded(_Record):
    """The blackout ``number`` ends here; never before its begin."""

    record: Literal["blackout_ended"] = "blackout_ended"
    number: int
    until_mono_s: float


@final
class Stopped(_Record):
    """The recording ends here, whatever the session does; what was held back is flushed at once."""

    record: Literal["stopped"] = "stopped"
    at_mono_s: float
    stopped_at: dt.datetime
    reason: str
    interrupted: bool = False


@final
class Dropped(_Record):
    """Nobody wants the session: delete it."""

    record: Literal["dropped"] = "dropped"
    reason: str


OrderRecord = Annotated[
    Claimed | FieldsChanged | BlackoutBegan | BlackoutEnded | Stopped | Dropped, pydantic.Field(discriminator="record")
]
