"""What the core and its children say to each other: one JSON object a line over a socket pair.

The same framing (:mod:`appliance.capture.pipe`) serves the tap workers and the writer. End of file on the socket
tells a child that its core is gone: a tap worker then closes its sessions in good order and ends; the writer ends at
once, since its position stands in the files.
"""

from __future__ import annotations

import os
from typing import Annotated, Final, Literal, final

import pydantic

from drivers.contract import (
    AudioLost,
    CallAnswered,
    CallArrived,
    CallChanged,
    CallLeft,
    CallRefused,
    ConnectionRefused,
    LineFault,
    MediaStarted,
    PlayEnded,
    Registered,
    SessionClosed,
    SessionOpened,
    TapMeter,
)

SPENT_CODE: Final = os.EX_TEMPFAIL
"""Exit code of a child that has served its time: a new one takes its place at once, and nothing is amiss."""


class _Message(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)


# --- core -> tap worker -------------------------------------------------------------------------------------------


@final
class Start(_Message):
    """Begin to capture ``line`` into the new session ``session``."""

    verb: Literal["start"] = "start"
    number: int  # echoed in Done
    line: str
    session: str


@final
class Stop(_Message):
    """End the session on the line."""

    verb: Literal["stop"] = "stop"
    number: int
    line: str


@final
class HangUp(_Message):
    """End the call on the line."""

    verb: Literal["hang_up"] = "hang_up"
    number: int
    line: str
    reason: str


@final
class Dial(_Message):
    """Call a phone from the line."""

    verb: Literal["dial"] = "dial"
    number: int
    line: str
    phone: str
    barge_code: str


@final
class Join(_Message):
    """Join the call that goes on at a phone."""

    verb: Literal["join"] = "join"
    number: int
    line: str
    phone: str


@final
class Play(_Message):
    """Play a file to the call on the line."""

    verb: Literal["play"] = "play"
    number: int
    line: str
    file: str


@final
class Simulate(_Message):
    """Make a fault happen on a tap that simulates."""

    verb: Literal["simulate"] = "simulate"
    number: int
    line: str
    fault: str
    amount: float


@final
class Health(_Message):
    """What keeps the box from recording; empty while nothing does."""

    verb: Literal["health"] = "health"
    number: int
    trouble: str


@final
class Shutdown(_Message):
    """Close every session and end. Serves the writer too, which first finishes what was stopped."""

    verb: Literal["shutdown"] = "shutdown"
    number: int = 0


Command = Annotated[
    Start | Stop | HangUp | Dial | Join | Play | Simulate | Health | Shutdown, pydantic.Field(discriminator="verb")
]

# --- tap worker -> core -------------------------------------------------------------------------------------------


@final
class Ready(_Message):
    """The tap is open; ``lines`` are the names that this worker serves."""

    event: Literal["ready"] = "ready"
    lines: list[str]
    pid: int


@final
class Done(_Message):
    """Command ``number`` was carried out, or failed with ``error`` (class name of a TapError) and its text."""

    event: Literal["done"] = "done"
    number: int
    error: str = ""
    text: str = ""


@final
class Emitted(_Message):
    """A fact that the tap emitted, as it is."""

    event: Literal["emitted"] = "emitted"
    fact: (
        CallArrived
        | CallChanged
        | MediaStarted
        | SessionOpened
        | SessionClosed
        | CallLeft
        | CallAnswered
        | PlayEnded
        | CallRefused
        | ConnectionRefused
        | Registered
        | LineFault
        | AudioLost
    ) = pydantic.Field(discriminator="event")


@final
class Alive(_Message):
    """Sent once a second: proof that the worker's main thread turns."""

    event: Literal["alive"] = "alive"
    meter: TapMeter | None = None  # of a tap that measures its lines


# --- core -> writer -----------------------------------------------------------------------------------------------


@final
class Look(_Message):
    """Look at the session now instead of at the next turn (its orders changed or it was closed)."""

    verb: Literal["look"] = "look"
    session: str


# --- writer -> core -----------------------------------------------------------------------------------------------


@final
class Finished(_Message):
    """A recording is whole on disk: its file, its sidecar, and the note in the inbox that points to them."""

    event: Literal["finished"] = "finished"
    session: str
    record_id: int
    sidecar: str
    note: str


@final
class Trouble(_Message):
    """The writer cannot go on as it should (disk full, disk gone); ``over`` when it can again."""

    event: Literal["trouble"] = "trouble"
    session: str = ""
    kind: str  # "disk full", "disk error", "spool full"
    text: str
    over: bool = False


@final
class Turned(_Message):
    """Once a turn: what the writer does and how much memory the spool takes."""

    event: Literal["turned"] = "turned"
    sessions: int
    recordings: int
    spool_bytes: int
    spool_free_bytes: int
    disk_free_bytes: int
    turn_ms: float
    silent_s: dict[str, float] = {}  # session -> seconds since a leg was last louder than the silence level


WorkerEvent = Annotated[Ready | Done | Emitted | Alive, pydantic.Field(discriminator="event")]
WriterCommand = Annotated[Look | Shutdown, pydantic.Field(discriminator="verb")]
WriterEvent = Annotated[Ready | Finished | Trouble | Turned | Alive, pydantic.Field(discriminator="event")]
