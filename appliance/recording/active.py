"""A recording that goes on: what the recorder and the scheduler share about it."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from pathlib import Path
from typing import final

from appliance import clock
from appliance.calls.call import Call
from appliance.channels.channel import Channel
from appliance.errors import RequestError
from appliance.units import RecordId, SessionId

NO_RECORD = RecordId(0)
NO_SESSION = SessionId("")
"""What a recording has until it began."""


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a call is recorded: what the schedule (or an order without one) says. Times in seconds."""

    schedule: str
    recording_type: str
    priority: int
    keep_days: int
    archive_action: int
    max_record_time_s: int | None = None
    max_record_silence_s: int | None = None
    min_record_time_s: int | None = None


@final
@dataclasses.dataclass(slots=True, eq=False)
class ActiveRecording:
    """One recording from the moment its channel was chosen until its line is free again.

    ``detached`` says that the line is no longer the recording's (the far end hung up, or the worker died): nothing
    is left to be stopped there. ``media`` is set when audio comes in, ``stopping`` when the end was ordered,
    ``freed`` when the channel may be used by the next one. ``queued``: it still waits for the recording before it on
    the channel. ``again``: its call shall be recorded anew if it goes on after this recording,
    ``elsewhere``: at once, on another channel. ``settled`` is set
    when the recording began, waits for its media, or came to nothing, by ``fault`` if it has one. ``number`` is what
    the line calls to hear the call; it is ``dialled`` then, ``answered``, and ``left`` when that call is over.
    """

    call: Call
    channel: Channel
    terms: Terms
    record_id: RecordId = NO_RECORD
    session: SessionId = NO_SESSION
    path: Path | None = None
    claimed: bool = False
    began_mono_s: float = 0.0
    stop_reason: str = ""
    stop_written: bool = False
    stopped_mono_s: float = 0.0
    stopped_at: dt.datetime | None = None
    interrupted: bool = False
    detached: bool = False
    queued: bool = False
    again: bool = False
    elsewhere: bool = False
    linger_until_mono_s: float | None = None
    media: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    stopping: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    freed: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    settled: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    number: str = ""
    dialled: bool = False
    answered: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    left: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    fault: RequestError | None = None
    chosen_mono_s: float = dataclasses.field(default_factory=clock.monotonic_s)

    @property
    def max_record_time_s(self) -> int | None:
        """Longest recording: the call's MAXRECORDTIME, else the schedule's."""
        return self.call.fields.max_record_time_s or self.terms.max_record_time_s

    @property
    def max_record_silence_s(self) -> int | None:
        """Longest silence: the call's MAXRECORDSILENCE, else the schedule's."""
        return self.call.fields.max_record_silence_s or self.terms.max_record_silence_s

    @property
    def too_short(self) -> bool:
        """Whether the recording ended in good order before the schedule's shortest length, and is not to be kept."""
        shortest_s = self.terms.min_record_time_s
        if not shortest_s or not self.claimed or self.interrupted or self.stopped_at is None:
            return False
        return self.stopped_mono_s - self.began_mono_s < shortest_s
