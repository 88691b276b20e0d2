"""One line of a card: who begins its sessions, and when they end."""

from __future__ import annotations

import logging
from typing import Final, final

from drivers.contract import (
    CallArrived,
    CallLeft,
    Line,
    LineBusyError,
    LineFault,
    LineIdleError,
    LossReason,
    SessionOpened,
    SessionSink,
)
from drivers.taps.soundcard._ears import Ears
from drivers.taps.soundcard._portion import Portion
from drivers.taps.soundcard._run import Run
from drivers.taps.soundcard._session import Card, Session

logger = logging.getLogger(__name__)

_AGAIN_S: Final = 5.0


@final
class CardLine:
    """A line; the tap's lock is held in every method.

    A line that is started by the scheduler has sessions by :meth:`start` and :meth:`stop` alone. One that records
    always, or by voice, has calls of its own: each begins by CallArrived and ends by CallLeft, and :meth:`stop` within
    one opens a further session, as on a trunk. While the core has started such a line by itself, no call begins on it.

    Parameters
    ----------
    ears
        What listens for voice; None where nothing does.
    always_cut_s
        A line that records always begins a new call after so long; None for any other.
    gone_s
        A call by voice ends when the card was away for so long.
    """

    def __init__(
        self,
        card: Card,
        line: Line,
        *,
        device: str = "",
        ears: Ears | None = None,
        always_cut_s: float | None = None,
        gone_s: float = 0,
    ) -> None:
        self.line = line
        self._card = card
        self._device = device
        self._ears = ears
        self._always_cut_s = always_cut_s
        self._own_calls = ears is not None or always_cut_s is not None
        self._gone_s = gone_s
        self._session: Session | None = None
        self._ending: Session | None = None  # waits for its last frames, while the line goes on
        self._called_s: float | None = None  # begin of the line's own call
        self._run: Run | None = None
        self._gone_since_s: float | None = None
        self._free_since_s = 0.0  # no call of the line's own reaches back behind this
        self._again_at_s = 0.0

    @property
    def session(self) -> Session | None:
        """What goes on."""
        return self._session

    @property
    def ending(self) -> bool:
        """Whether a session waits for its last frames."""
        return self._ending is not None

    def start(self, sink: SessionSink, now_s: float) -> None:
        """Begin a session at this moment. Raises LineBusyError."""
        if self._session is not None:
            raise LineBusyError(f"line {self.line.name} captures already")
        self._session = Session(self._card, self.line, sink, now_s, self._run)

    def stop(self, now_s: float) -> Session:
        """End the session at this moment; gives it, for it may wait for its last frames. Raises LineIdleError."""
        session = self._session
        if session is None:
            raise LineIdleError(f"line {self.line.name} does not capture")
        self._end(session, now_s, "stopped")
        if self._called_s is not None and self._open(now_s, self._run):
            self._card.host.emit(SessionOpened(line=self.line.name, session=self._current.name))
        return session

    def hang_up(self, now_s: float, reason: str) -> None:
        """End the line's own call. Raises LineIdleError."""
        if self._called_s is None:
            raise LineIdleError(f"no call on line {self.line.name}")
        self._leave(now_s, reason)

    def close(self, now_s: float, reason: str) -> None:
        """End whatever goes on, with the frames that are there."""
        if self._called_s is not None:
            self._leave(now_s, reason)
        elif self._session is not None:
            self._end(self._session, now_s, reason)
        self._settle(cut=True)

    def take(self, run: Run, portion: Portion, at_frame: int, *, row: int = 0, serving: bool) -> None:
        """Take a portion whose rows from ``row`` on are the line's legs; calls begin only while ``serving``."""
        if run is not self._run:
            self._begin_run(run)
        if self._ears:
            self._ears.take(portion.legs(row, row + self.line.legs), at_frame)
        if self._ending is not None:
            self._ending.take(run, portion, at_frame, row)
            self._settle()
        if self._session is not None:
            self._session.take(run, portion, at_frame, row)
        if serving and self._own_calls:
            self._decide(run, portion, at_frame, row)

    def break_off(self, moment_s: float) -> None:
        """The card gives no frames any more; its last was captured at this moment."""
        self._run, self._gone_since_s = None, moment_s
        for session in (self._ending, self._session):
            if session:
                session.break_off(moment_s)
        self._settle(cut=True)

    def miss(self, now_s: float, reason: LossReason) -> None:
        """The card is away, until now at least."""
        if self._session:
            self._session.lose_until(now_s, reason)
        if self._called_s is None or self._gone_since_s is None:
            return
        if self._ears and now_s - self._gone_since_s >= self._gone_s:
            self._leave(now_s, f"no card: {reason}")
        elif self._always_cut_s is not None and now_s - self._called_s >= self._always_cut_s:
            self._leave(now_s, f"after {self._always_cut_s:g} s")

    # --- calls of the line's own ----------------------------------------------------------------------------------

    def _begin_run(self, run: Run) -> None:
        self._run = run
        if self._ears:
            self._ears.begin_run()

    def _decide(self, run: Run, portion: Portion, at_frame: int, row: int) -> None:
        now_s = run.at_s(at_frame + portion.frames)
        if self._always_cut_s is not None:
            if self._called_s is not None and now_s - self._called_s >= self._always_cut_s:
                self._leave(now_s, f"after {self._always_cut_s:g} s")
                self._arrive(run, now_s)
            elif self._session is None:
                self._arrive(run, run.at_s(at_frame))
                self._catch_up(run, portion, at_frame, row)
        elif self._ears is not None:
            if self._called_s is not None and not self._ears.voice:
                self._leave(now_s, "no voice")
            elif self._session is None and self._ears.voice:
                past, past_frame = self._ears.past
                onset_s = run.at_s(max(past_frame, self._ears.onset_frame))
                self._arrive(run, max(onset_s, self._free_since_s))
                self._catch_up(run, Portion.of(past), past_frame)

    def _arrive(self, run: Run, begin_s: float) -> None:
        if begin_s < self._again_at_s or not self._open(begin_s, run):
            return
        self._called_s = begin_s
        session = self._current.name
        self._card.host.emit(
            CallArrived(line=self.line.name, session=session, device=self._device, arrived_mono_s=begin_s)
        )

    def _catch_up(self, run: Run, portion: Portion, at_frame: int, row: int = 0) -> None:
        if self._session is not None:
            self._session.take(run, portion, at_frame, row)

    def _leave(self, now_s: float, reason: str) -> None:
        self._called_s = None
        if self._ears:
            self._ears.hush()
        session = self._session
        if session is None:
            return
        self._end(session, now_s, reason)
        self._settle(cut=True)
        self._card.host.emit(CallLeft(line=self.line.name, session=session.name, reason=reason))

    # --- sessions -------------------------------------------------------------------------------------------------

    @property
    def _current(self) -> Session:
        assert self._session is not None
        return self._session

    def _open(self, begin_s: float, run: Run | None) -> bool:
        """Begin a session that nobody asked for; a spool that cannot take it is told, and tried again later."""
        try:
            sink = self._card.host.session(self.line.name)
            self._session = Session(self._card, self.line, sink, begin_s, run)
        except OSError as error:
            logger.exception("line %s: no session", self.line.name)
            self._card.host.emit(LineFault(line=self.line.name, text=f"no session can begin: {error}"))
            self._again_at_s = begin_s + _AGAIN_S
            self._called_s = None
            return False
        return True

    def _end(self, session: Session, end_s: float, reason: str) -> None:
        self._settle(cut=True)
        self._session, self._ending, self._free_since_s = None, session, end_s
        session.end(end_s, reason)
        self._settle()

    def _settle(self, *, cut: bool = False) -> None:
        if self._ending is None:
            return
        if cut:
            self._ending.cut()
        if self._ending.done.is_set():
            self._ending = None
