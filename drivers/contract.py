"""What a tap is: the contract between the drivers and the appliance.

A *tap* is one card, trunk or span with named lines. It lives in a **tap worker**, a child process of the box, and
may use threads of its own. Audio leaves it through a :class:`SessionSink` (the spool), facts through
:meth:`Host.emit`. The appliance never reaches into a tap but by the verbs of :class:`Tap`.

A *capture session* is one uninterrupted piece of work on one line: one or two legs of audio, appended to memory. A
session becomes a recording only if the core claims it, so that a tap may begin sessions of its own (a trunk on which
a call arrives) before anybody decided to record.

Errors (each names the situation in which a driver raises it)::

    TapError
    ├── TapOptionsError      the options cannot work (a file is missing, a port is taken, a library is absent)
    ├── LineUnknownError     a verb names a line that the tap does not have
    ├── LineBusyError        start() on a line that captures already
    ├── LineIdleError        stop() on a line that does not capture
    ├── NumberInvalidError   a number that cannot be dialled: characters that no number has, or no way to complete it
    ├── TapSpentError        poll(): the worker has served its time and has nothing in hand; a new one takes its place
    └── TapFailedError       the device or its library failed; the worker ends and is started again
"""

from __future__ import annotations

import abc
import dataclasses
import enum
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, final

import numpy as np
import numpy.typing as npt
import pydantic


class TapError(Exception):
    """A tap could not do what it was asked."""


class TapOptionsError(TapError):
    """The tap's options cannot work on this machine."""


class LineUnknownError(TapError):
    """The tap has no line of that name."""


class LineBusyError(TapError):
    """The line captures already."""


class LineIdleError(TapError):
    """The line does not capture."""


class NumberInvalidError(TapError):
    """The number cannot be dialled as it is, or the options do not say how to complete it."""


class TapSpentError(TapError):
    """The worker has served its time and has nothing in hand. It ends in good order, and a new one takes its place."""


class TapFailedError(TapError):
    """The device or its library failed beyond repair by the driver itself."""


class Party(enum.StrEnum):
    """Who speaks on a leg. The writer puts the caller left and the agent right."""

    CALLER = "caller"
    AGENT = "agent"
    MIXED = "mixed"
    UNKNOWN = "unknown"


class LossReason(enum.StrEnum):
    """Why frames are missing from a leg."""

    OVERFLOW = "overflow"  # the device had more than the driver took in time
    DROPPED = "dropped"  # the device says that it dropped frames
    PACKETS_LOST = "packets lost"  # RTP that never came or came too late
    NO_MEDIA = "no media"  # the line was up, and nothing came
    STALLED = "stalled"  # the device gave no frames without an error
    UNPLUGGED = "unplugged"
    BUSY = "busy"  # another program has the device
    SPOOL_FULL = "spool full"
    WORKER_DIED = "worker died"


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Capabilities:
    """What a tap can do, and what it knows by itself."""

    calls_arrive: bool = False  # calls come by themselves; a line carries audio only while one is up
    dials: bool = False
    speaks: bool = False
    joins: bool = False  # finds the call at a phone by the PBX's word, and joins it (SIP: RFC 4235 and RFC 3911)
    sees_answer: bool = False
    sees_far_hang_up: bool = False
    bit_exact: bool = False  # what was sent is what is captured, octet for octet
    simulates: bool = False  # takes simulate(): a rig without hardware


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line of a tap. ``name`` is unique in the tap; ``legs`` is 1 (mixed) or 2 (caller, agent).

    ``calls_arrive`` says of this line what the tap's capabilities do not say of all.
    """

    name: str
    legs: int
    rate_hz: int
    calls_arrive: bool = False


# --- facts that a tap emits -------------------------------------------------------------------------------------


class TapEvent(pydantic.BaseModel):
    """A fact about one line, or about the whole tap where ``line`` is empty."""

    model_config = pydantic.ConfigDict(frozen=True)
    line: str = ""


class CallArrived(TapEvent):
    """A call came up on the line by itself, and is being captured into ``session``.

    ``arrived_mono_s`` is the moment of that by CLOCK_MONOTONIC, at or before the first audio of the session.
    """

    event: Literal["call_arrived"] = "call_arrived"
    session: str
    device: str  # the device's name as the options' rule found it; empty where none was found
    ani: str = ""
    dnis: str = ""
    reference: str = ""  # the far side's name of the call (SIP: Call-ID)
    arrived_mono_s: float = pydantic.Field(default_factory=time.monotonic)
    details: dict[str, str] = {}
    fields: dict[str, str] = {}  # further fields of the call (user1, call_direction, ...), as the options map them


class CallChanged(TapEvent):
    """What the far side tells of a call that goes on became another (SIPREC: a further metadata document)."""

    event: Literal["call_changed"] = "call_changed"
    session: str
    fields: dict[str, str]  # those that changed: ani, dnis, user1, ...


class MediaStarted(TapEvent):
    """The first audio of the session is there (SIP: the first RTP packet)."""

    event: Literal["media_started"] = "media_started"
    session: str
    legs: int


class SessionOpened(TapEvent):
    """The tap began a further session on a line whose call goes on after ``stop()``."""

    event: Literal["session_opened"] = "session_opened"
    session: str


class SessionClosed(TapEvent):
    """The session ended; its legs will not grow any more."""

    event: Literal["session_closed"] = "session_closed"
    session: str
    reason: str


class CallLeft(TapEvent):
    """The call on the line is over (far end hung up, or the driver gave it up); the line is free."""

    event: Literal["call_left"] = "call_left"
    session: str
    reason: str


class CallAnswered(TapEvent):
    """The phone that the tap dialled took the call. One that is over, answered or not, is told by CallLeft."""

    event: Literal["call_answered"] = "call_answered"


class PlayEnded(TapEvent):
    """The file was played to its end; the call goes on."""

    event: Literal["play_ended"] = "play_ended"


class CallRefused(TapEvent):
    """A call was turned away before it took a line."""

    event: Literal["call_refused"] = "call_refused"
    code: int  # the protocol's answer (SIP: 486, 404, ...)
    reason: str
    device: str = ""


class ConnectionRefused(TapEvent):
    """Connections to the tap were closed before a call came by them, ``count`` since this reason was told last."""

    event: Literal["connection_refused"] = "connection_refused"
    peer: str  # address and port of the last one
    reason: str
    count: int = 1


class Registered(TapEvent):
    """An account's registration came, went or was refused; ``line`` is empty."""

    event: Literal["registered"] = "registered"
    account: str
    registered: bool
    code: int = 0  # the registrar's answer (SIP: 200, 401, 408, ...)
    reason: str = ""


class LineFault(TapEvent):
    """The line, or with an empty ``line`` the tap, has a fault that the driver goes on with."""

    event: Literal["line_fault"] = "line_fault"
    text: str


class AudioLost(TapEvent):
    """Frames are missing on a leg of the session; the spool's meta file has the same fact."""

    event: Literal["audio_lost"] = "audio_lost"
    session: str
    leg: int
    frames: int
    reason: LossReason


TAP_EVENTS: tuple[type[TapEvent], ...] = (
    CallArrived,
    CallChanged,
    MediaStarted,
    SessionOpened,
    SessionClosed,
    CallLeft,
    CallAnswered,
    PlayEnded,
    CallRefused,
    ConnectionRefused,
    Registered,
    LineFault,
    AudioLost,
)


# --- what can be seen of lines at any moment -------------------------------------------------------------------------


@final
@dataclasses.dataclass(slots=True)  # no model: one is made for each line every second
class LineMeter:
    """What a tap measures on a line now. Levels are those of the last second, one a leg, 0 being a full-scale sine.

    ``quiet_s`` are seconds since the last voice in the session that goes on; None without a session.
    """

    line: str
    level_dbfs: tuple[float, ...] = ()  # empty while the device gives no frames
    peak_dbfs: tuple[float, ...] = ()
    level_dbm0: tuple[float, ...] = ()  # empty without a calibration
    voice: bool = False
    session: str = ""
    quiet_s: float | None = None


class TapMeter(pydantic.BaseModel):
    """What a worker of a tap measures now. Counts are since its start."""

    model_config = pydantic.ConfigDict(frozen=True)
    present: bool  # the device gives frames
    overruns: int = 0
    reopened: int = 0
    drift_ppm: float | None = None
    lines: tuple[LineMeter, ...] = ()


# --- where audio goes -------------------------------------------------------------------------------------------


class SessionSink(Protocol):
    """Where a tap puts the audio of one session. Implemented by the spool; never blocks on a disk.

    A leg is either appended to block by block, or given as a file that the tap's library writes by itself.
    Frames count from the leg's first one, which stands for the moment at which the leg was opened.
    """

    @property
    def session(self) -> str:
        """The session's identifier."""
        ...

    def open_leg(self, leg: int, party: Party, rate_hz: int, *, before_s: float = 0) -> None:
        """Open leg 0 or 1 for :meth:`append`; its first frame stands for the moment ``before_s`` before the call."""
        ...

    def append(self, leg: int, pcm: npt.NDArray[np.int16], *, lost_before: int = 0) -> None:
        """Append a block; ``lost_before`` frames are missing before it and become silence in place."""
        ...

    def leg_file(self, leg: int, party: Party, rate_hz: int, *, skip_frames: int = 0) -> Path:
        """Open a leg that a library writes as mono 16-bit WAV by itself; gives the path to write to.

        The first ``skip_frames`` frames of that file are left out of the recording (a jitter buffer's delay), so
        that the frame after them stands for the moment at which the leg was opened.
        """
        ...

    def lost(self, leg: int, at_frame: int, frames: int, reason: LossReason, *, in_file: bool) -> None:
        """Say that frames are missing: ``in_file`` when the leg holds silence or concealment in their place."""
        ...

    def measured(self, facts: dict[str, Any]) -> None:
        """Add measured facts (packets, drift in ppm, ...) that belong into the recording's proof."""
        ...

    def close(self, reason: str) -> None:
        """End the session. Nothing grows afterwards."""
        ...


class Host(Protocol):
    """What a tap worker gives to its tap. Both methods may be called from any thread."""

    def emit(self, event: TapEvent) -> None:
        """Tell the core a fact."""
        ...

    def session(self, line: str) -> SessionSink:
        """Begin a session that nobody asked for (a call arrived)."""
        ...


# --- the tap ----------------------------------------------------------------------------------------------------


class TapOptions(pydantic.BaseModel):
    """Options that every kind of tap has; a kind adds its own by subclassing.

    The section ``[[taps]]`` of the settings is read into the kind's subclass, so a wrong key or value is told with
    its line in the file.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    name: str = pydantic.Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$", description="name of the tap, unique")
    kind: str = pydantic.Field(description="kind of the tap: a module of drivers.taps")
    devices: list[str] = pydantic.Field(
        default=["*"], description="which devices may use a free line of this tap (shell patterns)"
    )
    assign: dict[str, str] = pydantic.Field(
        default={},
        description='fixed use of single lines: line name = "device:5003", "agent:7", "playback" or "any"',
    )

    @property
    def holds(self) -> dict[str, str]:
        """What no second tap of the kind can have beside this one, by the option that names it."""
        return {}

    @property
    def call_fields(self) -> dict[str, frozenset[str]]:
        """Fields of a call that the tap may tell (:attr:`CallArrived.fields`), by the option that names them."""
        return {}


@final
@dataclasses.dataclass(frozen=True, slots=True)
class WorkerPlan:
    """One worker process of a tap, and the lines that it serves: none where it serves the other workers.

    ``role`` and ``shares`` are the kind's own words to its worker, which gets them back as :meth:`Tap.plan` said them.
    ``listens`` are addresses, as HOST:PORT, that it will listen on, and that no worker of another tap may have.
    """

    index: int
    lines: tuple[Line, ...]
    role: str = ""
    shares: tuple[int, ...] = ()
    listens: tuple[str, ...] = ()


class Tap(abc.ABC):
    """One card, trunk or span, or that share of it which one worker process serves.

    Every method is called from the worker's main thread, one at a time. ``start`` and ``stop`` return within
    100 ms; what takes longer goes to a thread of the tap's own and is told by an event.
    """

    Options: ClassVar[type[TapOptions]] = TapOptions
    capabilities: ClassVar[Capabilities] = Capabilities()
    poll_every_s: ClassVar[float] = 0.1
    """How often :meth:`poll` has something to do; each time wakes the worker."""

    @classmethod
    @abc.abstractmethod
    def plan(cls, options: Any) -> list[WorkerPlan]:
        """Tell which workers the tap needs and which lines each serves.

        Called in a short-lived process of its own, so that it may load the driver's library to read its limits.
        Lines count through all workers in order. Raises :class:`TapOptionsError`.
        """

    @classmethod
    def abilities(cls, options: Any) -> Capabilities:
        """Tell what the tap can do as it is set; what :attr:`capabilities` says, or less."""
        del options
        return cls.capabilities

    @abc.abstractmethod
    def __init__(self, options: Any, plan: WorkerPlan) -> None:
        """Prepare the share ``plan`` of the tap; nothing is opened yet."""

    @abc.abstractmethod
    def open(self, host: Host) -> None:
        """Open the device. Raises :class:`TapOptionsError` or :class:`TapFailedError`."""

    def lines(self) -> Sequence[Line]:
        """Lines served here."""
        raise NotImplementedError

    @abc.abstractmethod
    def start(self, line: str, sink: SessionSink) -> None:
        """Begin to capture the line into ``sink``. Raises LineUnknownError, LineBusyError."""

    @abc.abstractmethod
    def stop(self, line: str) -> None:
        """End the session on the line, whoever began it; its sink is closed when this returns.

        On a tap whose calls arrive, a call that is still up goes on, and a new session is opened at once
        (:class:`SessionOpened`), so that a second CALLSTART finds its audio. Raises LineUnknownError, LineIdleError.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Close every session and the device. Called once, at the end, even after an error."""

    def poll(self) -> None:  # noqa: B027 - most taps have threads of their own and nothing to do here
        """Do what is due; called each :attr:`poll_every_s` from the worker's main thread."""

    def health(self, trouble: str) -> None:  # noqa: B027 - most taps have nobody to tell
        """Take note of what keeps the box from recording; empty while nothing does. Comes at each change."""

    def meter(self) -> TapMeter | None:
        """Tell what is measured now; called once a second. None for a tap that measures nothing.

        A tap that tells ``quiet_s`` decides by it what MAXRECORDSILENCE takes for silence on its lines.
        """
        return None

    def hang_up(self, line: str, reason: str) -> None:
        """End the call on the line (taps on which calls arrive or that dial)."""
        raise TapError(f"{type(self).__name__} has no calls to hang up: {line}, {reason}")

    def dial(self, line: str, number: str, barge_code: str) -> None:
        """Call a phone from an idle line (taps with ``capabilities.dials``); CallAnswered or CallLeft follow.

        Digits behind the first comma of a number are sent after the answer; each comma is a pause. With a
        ``barge_code``, which is dialled first, the call joins the one that goes on at the phone. :meth:`start` after
        this captures the call, what is heard before the answer among it; nobody calls on the line meanwhile.
        Raises LineUnknownError, LineBusyError, NumberInvalidError.
        """
        raise TapError(f"{type(self).__name__} does not dial: {line}, {number}, {barge_code}")

    def join(self, line: str, number: str) -> None:
        """Join the call that goes on at a phone (taps with ``capabilities.joins``); CallAnswered or CallLeft follow.

        Raises LineUnknownError, LineBusyError, NumberInvalidError.
        """
        raise TapError(f"{type(self).__name__} joins no call: {line}, {number}")

    def play(self, line: str, file: Path) -> None:
        """Play a mono 16-bit PCM WAV file, of any rate, to the call on the line; PlayEnded follows.

        For taps with ``capabilities.speaks``. Raises LineUnknownError, LineIdleError.
        """
        raise TapError(f"{type(self).__name__} does not speak: {line}, {file}")

    def simulate(self, line: str, fault: str, amount: float) -> None:
        """Make a fault happen (taps with ``capabilities.simulates``): stall, overflow, drop or die."""
        raise TapError(f"{type(self).__name__} simulates nothing: {line}, {fault}, {amount}")
