"""The frozen facts about a recording: what the sidecar, the store, export, playback and events speak of."""

from __future__ import annotations

import datetime as dt
from typing import Any, final

import pydantic

from appliance.calls.fields import CallFields
from drivers.contract import Party


class _Fact(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)


@final
class Gap(_Fact):
    """A stretch of one leg without captured audio, silence in the file. Seconds count from the file's begin."""

    leg: int
    at_s: float
    length_s: float
    reason: str  # a LossReason's value, or "late leg", "blackout", ...


@final
class Blackout(_Fact):
    """A stretch that was silenced on purpose, on all legs."""

    from_s: float
    until_s: float
    reason: str = ""


@final
class LegFacts(_Fact):
    """What one leg holds. ``channel`` is its place in the file: 0 left, 1 right."""

    leg: int
    party: Party
    channel: int
    frames_captured: int
    frames_lost: int


@final
class Recording(_Fact):
    """One recording, whole or interrupted. The sidecar beside the audio is this, as JSON.

    ``duration_s`` is the file's length, ``audio_hash`` the SHA-256 of the whole file in hexadecimal, ``audio_size``
    its bytes. ``filename`` is an absolute path. A recording that was ``interrupted`` (a process died, power was
    lost) ended without an order; ``end_reason`` says why any recording ended.
    """

    format: int = 1  # version of this document
    record_id: int
    global_call_id: str
    core_id: int
    channel: int
    tap: str
    line: str
    session: str
    device_id: str
    call_instance: str
    fields: CallFields
    keep_days: int
    archive_action: int
    priority: int
    schedule: str
    recording_type: str
    call_started_at: dt.datetime
    started_at: dt.datetime
    stopped_at: dt.datetime
    filename: str
    encoding: str
    rate_hz: int
    channels: int
    frames: int
    duration_s: float
    audio_size: int
    audio_hash: str
    legs: tuple[LegFacts, ...]
    gaps: tuple[Gap, ...] = ()
    blackouts: tuple[Blackout, ...] = ()
    interrupted: bool = False
    end_reason: str = ""
    measured: dict[str, Any] = {}
