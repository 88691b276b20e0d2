"""Taps whose audio is made, not captured: frames fall due by the monotonic clock, and one thread hands them out.

The base of the kinds ``virtual`` and ``wavfile``. Frame n of a line is due n / rate seconds after the tap was
opened, so nothing drifts; what is late comes in one longer block, and nothing is left out.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from abc import abstractmethod
from typing import ClassVar, Final, Protocol, final

import numpy as np
import numpy.typing as npt

from drivers.contract import (
    AudioLost,
    Capabilities,
    Host,
    Line,
    LineBusyError,
    LineIdleError,
    LineUnknownError,
    LossReason,
    MediaStarted,
    Party,
    SessionClosed,
    SessionSink,
    Tap,
    TapEvent,
    TapFailedError,
    WorkerPlan,
)

logger = logging.getLogger(__name__)

_BLOCKS_PER_S: Final = 50
_LONGEST_BLOCK_S: Final = 1
_PARTIES: Final = {1: (Party.MIXED,), 2: (Party.CALLER, Party.AGENT)}


class Source(Protocol):
    """What sounds on a line."""

    @property
    def end(self) -> int | None:
        """Frame at which the source ends; None if it never does."""
        ...

    def first(self, clock_frame: int) -> int:
        """Frame of the source at which a session begins that starts at ``clock_frame`` of the tap's clock."""
        ...

    def read(self, leg: int, frame: int, frames: int) -> npt.NDArray[np.int16]:
        """Give ``frames`` frames of the leg from ``frame`` on; never asked for more than a second or past the end."""
        ...


@final
@dataclasses.dataclass(slots=True)
class _Session:
    line: Line
    sink: SessionSink
    source: Source
    clock_frame: int  # of the tap's clock, at the session's begin
    origin: int  # frame of the source there
    position: int = 0  # frames handed out or lost since then
    lost_until: int = 0  # a simulated fault swallows the frames from ``position`` to here
    reason: LossReason = LossReason.STALLED

    @property
    def end(self) -> int | None:
        """Position at which the source ends."""
        return None if self.source.end is None else self.source.end - self.origin


class ClockedTap(Tap):
    """One worker's lines, each with a source of its own."""

    capabilities: ClassVar[Capabilities] = Capabilities(bit_exact=True)

    def __init__(self, plan: WorkerPlan) -> None:
        self._plan = plan
        self._lines = {line.name: line for line in plan.lines}
        self._sources: dict[str, Source] = {}
        self._sessions: dict[str, _Session] = {}
        self._lock = threading.Lock()  # of the sessions: the thread's turn and the verbs exclude each other
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._host: Host | None = None
        self._epoch_s = 0.0

    @abstractmethod
    def load(self) -> dict[str, Source]:
        """Make the source of every line. Raises TapOptionsError."""

    def open(self, host: Host) -> None:
        """Load the sources and start the clock."""
        self._host = host
        self._sources = self.load()
        self._epoch_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"clock {self._plan.index}", daemon=True)
        self._thread.start()

    def lines(self) -> tuple[Line, ...]:
        """Lines served here."""
        return self._plan.lines

    def start(self, line: str, sink: SessionSink) -> None:
        """Begin a session at this moment."""
        found = self._line(line)
        source = self._sources[line]
        with self._lock:
            if line in self._sessions:
                raise LineBusyError(f"line {line} captures already")
            clock_frame = self._due(found)
            for leg, party in enumerate(_PARTIES[found.legs]):
                sink.open_leg(leg, party, found.rate_hz)
            self._sessions[line] = _Session(found, sink, source, clock_frame, source.first(clock_frame))

    def stop(self, line: str) -> None:
        """End the session at this moment."""
        self._line(line)
        with self._lock:
            self._finish(self._session(line), "stopped")

    def poll(self) -> None:
        """Check that the clock's thread lives; its fault stands in the log."""
        if self._thread is not None and not self._thread.is_alive():
            raise TapFailedError("the clock's thread ended")

    def close(self) -> None:
        """End every session at this moment, and the thread."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        with self._lock:
            for session in list(self._sessions.values()):
                self._finish(session, "tap closed")

    def captures(self, line: str) -> bool:
        """Whether a session goes on on the line."""
        with self._lock:
            return line in self._sessions

    def lose(self, line: str, frames: int, reason: LossReason) -> None:
        """Lose the line's next ``frames`` frames; told once they are over, as a device's loss is."""
        self._line(line)
        with self._lock:
            session = self._session(line)
            self._advance(session, self._due(session.line) - session.clock_frame)
            session.lost_until = max(session.position, session.lost_until) + frames
            session.reason = reason

    def drop(self, line: str, reason: str) -> None:
        """Let the line go away at this moment: its session ends unasked."""
        self._line(line)
        with self._lock:
            self._finish(self._session(line), reason)

    def _line(self, line: str) -> Line:
        if line not in self._lines:
            raise LineUnknownError(f"no line {line!r}")
        return self._lines[line]

    def _session(self, line: str) -> _Session:
        """Give the line's session; the lock is held."""
        if line not in self._sessions:
            raise LineIdleError(f"line {line} does not capture")
        return self._sessions[line]

    def _due(self, line: Line) -> int:
        """Frame of the line's clock that is due now."""
        return int((time.monotonic() - self._epoch_s) * line.rate_hz)

    # --- the clock's thread ---

    def _run(self) -> None:
        turn = 0
        while not self._ending.wait(max(0.0, self._epoch_s + turn / _BLOCKS_PER_S - time.monotonic())):
            with self._lock:
                for session in list(self._sessions.values()):
                    block = session.line.rate_hz // _BLOCKS_PER_S
                    due = self._due(session.line) - session.clock_frame
                    self._advance(session, due - due % block)
            turn = int((time.monotonic() - self._epoch_s) * _BLOCKS_PER_S) + 1

    def _advance(self, session: _Session, due: int, *, last: bool = False) -> None:
        """Bring the session to the position ``due``; the lock is held. Ends it with its source."""
        if session.end is not None:
            due = min(due, session.end)
        if session.position < session.lost_until:
            if due < session.lost_until and not (last or due == session.end):
                return
            self._tell_lost(session, min(due, session.lost_until) - session.position)
        self._hand_out(session, due)
        if session.position == session.end:
            self._close_session(session, "end of file")

    def _hand_out(self, session: _Session, due: int) -> None:
        if session.position == 0 and due > 0:
            self._emit(MediaStarted(line=session.line.name, session=session.sink.session, legs=session.line.legs))
        while session.position < due:
            frames = min(due - session.position, _LONGEST_BLOCK_S * session.line.rate_hz)
            for leg in range(session.line.legs):
                session.sink.append(leg, session.source.read(leg, session.origin + session.position, frames))
            session.position += frames

    def _tell_lost(self, session: _Session, frames: int) -> None:
        name, reason = session.sink.session, session.reason
        for leg in range(session.line.legs):
            session.sink.lost(leg, session.position, frames, reason, in_file=False)
            self._emit(AudioLost(line=session.line.name, session=name, leg=leg, frames=frames, reason=reason))
        session.position += frames

    def _finish(self, session: _Session, reason: str) -> None:
        """Hand out what is due at this moment and end the session, unless its source ends it now."""
        self._advance(session, self._due(session.line) - session.clock_frame, last=True)
        if session.line.name in self._sessions:
            self._close_session(session, reason)

    def _close_session(self, session: _Session, reason: str) -> None:
        del self._sessions[session.line.name]
        session.sink.close(reason)
        self._emit(SessionClosed(line=session.line.name, session=session.sink.session, reason=reason))

    def _emit(self, event: TapEvent) -> None:
        if self._host is not None:
            self._host.emit(event)
