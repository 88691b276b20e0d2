"""What a calling peer is asked to do, and what it tells about it: values that cross processes as JSON."""

from __future__ import annotations

from typing import Annotated, Any, Literal, final

import pydantic
from pydantic import Field


def _refuse_line_ends(text: str) -> str:
    if any(c in text for c in "\r\n"):
        raise ValueError("a line end would begin another header")
    return text


OneLine = Annotated[str, pydantic.AfterValidator(_refuse_line_ends)]


@final
class CallPlan(pydantic.BaseModel):
    """One call: where to, what each audio stream carries, and for how long.

    ``sounds`` are mono 16-bit WAV files, one a stream, played once. ``duration_s`` counts from the moment at which
    the sounds begin; 0 lets the call stand until it is told to hang up or the far end does.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    number: int
    uri: OneLine
    sounds: tuple[str, ...] = Field(min_length=1, max_length=2)
    headers: dict[OneLine, OneLine] = {}
    from_user: OneLine = "caller"
    codec: str = "PCMU"
    srtp: bool = False  # SDES, by SIP that is not encrypted itself
    duration_s: float = Field(default=0, ge=0)
    begin_after_s: float = Field(default=0, ge=0)
    hold_after_s: float | None = None
    resume_after_s: float | None = None


@final
class EndpointPlan(pydantic.BaseModel):
    """The calls of one process."""

    calls: tuple[CallPlan, ...]
    rtp_port: int
    log_level: int = 0


@final
class Fact(pydantic.BaseModel):
    """Something that happened to a call. ``at_s`` is CLOCK_MONOTONIC.

    Attributes of ``details`` by event: answered and refused: ``code``, ``reason``; playing: ``streams``; ended:
    ``code``, ``reason``, ``packets_sent`` and ``packets_received`` (one number a stream).
    """

    event: Literal["placed", "answered", "playing", "held", "resumed", "refused", "ended", "failed"]
    call: int
    at_s: float
    details: dict[str, Any] = {}


@final
class Order(pydantic.BaseModel):
    """What a running peer may be told about one of its calls."""

    verb: Literal["hang_up", "hold", "resume"]
    call: int
