"""One capture session of a line: its legs in step, at the rate that is stored, with every gap in its place."""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import Any, Final, final

from drivers.contract import AudioLost, Host, Line, LossReason, MediaStarted, Party, SessionClosed, SessionSink
from drivers.taps.soundcard._portion import Level, Portion
from drivers.taps.soundcard._run import Run

_PARTIES: Final = {1: (Party.MIXED,), 2: (Party.CALLER, Party.AGENT)}
_MEASURE_EVERY_S: Final = 60


@final
@dataclasses.dataclass(slots=True)
class Card:
    """What the lines of a card know of it. The counters count from the opening of the tap on."""

    device: str
    backend: str
    rate_hz: int
    full_scale_dbm0: float | None
    host: Host
    overruns: int = 0
    openings: int = 0
    drift_ppm: float | None = None


@final
class Session:
    """A session into ``sink``, which begins at ``begin_s``; the tap's lock is held in every method.

    Time goes by frames while a run of the card lasts, and by the clock from one run to the next: what was not captured
    then is as long in the session as it was. Frames are those of the rate that is stored.
    """

    def __init__(self, card: Card, line: Line, sink: SessionSink, begin_s: float, run: Run | None) -> None:
        self.begin_s = begin_s
        self.done = threading.Event()
        self.end_s: float | None = None
        self._end_reason = ""
        self._card = card
        self._line = line
        self._sink = sink
        self._run = run
        self._from_frame = run.frame_at(begin_s) if run else 0
        self._edge_s = begin_s  # the moment that the end of the last run, or the begin of the session, stands for
        self._gap_frames = 0  # told since then
        self._position = 0  # of the session: frames appended and lost
        self._levels = [Level() for _ in range(line.legs)]
        self._started = False
        self._reason = LossReason.UNPLUGGED
        self._lost_frames = 0
        self._before = (card.overruns, card.openings)
        self._measure_at = _MEASURE_EVERY_S * line.rate_hz
        before_s = max(0.0, time.monotonic() - begin_s)
        for leg, party in enumerate(_PARTIES[line.legs]):
            sink.open_leg(leg, party, line.rate_hz, before_s=before_s)

    @property
    def name(self) -> str:
        """The session's identifier."""
        return self._sink.session

    def end(self, end_s: float, reason: str) -> None:
        """Let the session end at a moment: as soon as the frames up to it are there, at once if none will come."""
        self.end_s, self._end_reason = end_s, reason
        if self._run is None:
            self.lose_until(end_s, self._reason)
            self.cut()

    def cut(self) -> None:
        """End the session with what it has."""
        if self.done.is_set():
            return
        self._sink.measured(self._facts())
        self._sink.close(self._end_reason)
        self._card.host.emit(SessionClosed(line=self._line.name, session=self.name, reason=self._end_reason))
        self.done.set()

    def take(self, run: Run, portion: Portion, at_frame: int, row: int = 0) -> None:
        """Take what belongs to the session of a portion, whose frames are those of a run from ``at_frame`` on.

        Its rows from ``row`` on are the line's legs.
        """
        if self.done.is_set():
            return
        if self._run is not run:
            self._begin_run(run)
        if self.end_s is None and at_frame >= self._from_frame:
            self._append(portion, row)
            return
        first, until = max(0, self._from_frame - at_frame), portion.frames
        over = False
        if self.end_s is not None:
            last = run.frame_at(self.end_s) - at_frame
            over, until = last <= until, max(first, min(until, last))
        if until - first == portion.frames:
            self._append(portion, row)
        elif first < until:
            self._append(portion.legs(row, row + self._line.legs).cut(first, until), 0)
        if over:
            self.cut()

    def break_off(self, moment_s: float) -> None:
        """The run ended; its last frame was captured at this moment. What comes next is a new run, or nothing."""
        if self._run is None or self.done.is_set():
            return
        self._run, self._edge_s, self._gap_frames = None, max(self._edge_s, moment_s), 0

    def lose_until(self, moment_s: float, reason: LossReason) -> None:
        """Tell what is missing since the last run, up to a moment. Does nothing while one lasts."""
        if self._run is not None or self.done.is_set():
            return
        self._reason = reason
        if self.end_s is not None:
            moment_s = min(moment_s, self.end_s)
        frames = round((moment_s - self._edge_s) * self._line.rate_hz) - self._gap_frames
        if frames <= 0:
            return
        for leg in range(self._line.legs):
            self._sink.lost(leg, self._position, frames, reason, in_file=False)
            lost = AudioLost(line=self._line.name, session=self.name, leg=leg, frames=frames, reason=reason)
            self._card.host.emit(lost)
        self._position += frames
        self._gap_frames += frames
        self._lost_frames += frames

    def _begin_run(self, run: Run) -> None:
        if self._run is not None:
            raise RuntimeError("a run begins before the one before it was broken off")
        self._run = run
        begin_s = max(run.first_s, self._edge_s + self._gap_frames / self._line.rate_hz)
        self._from_frame = run.frame_at(begin_s)

    def _append(self, portion: Portion, row: int) -> None:
        if not portion.frames:
            return
        if not self._started:
            self._started = True
            self._card.host.emit(MediaStarted(line=self._line.name, session=self.name, legs=self._line.legs))
        for leg, level in enumerate(self._levels):
            level.take(portion, row + leg)
            self._sink.append(leg, portion.pcm[row + leg])
        self._position += portion.frames
        if self._position >= self._measure_at:
            self._measure_at = self._position + _MEASURE_EVERY_S * self._line.rate_hz
            self._sink.measured(self._facts())

    def _facts(self) -> dict[str, Any]:
        card = self._card
        facts: dict[str, Any] = {
            "card": card.device,
            "backend": card.backend,
            "card_rate_hz": card.rate_hz,
            "overruns": card.overruns - self._before[0],
            "reopened": card.openings - self._before[1],
            "dropped_frames": self._lost_frames,
        }
        if card.drift_ppm is not None:
            facts["drift_ppm"] = round(card.drift_ppm, 2)
        for leg, level in enumerate(self._levels):
            facts[f"leg{leg}"] = level.facts(card.full_scale_dbm0)
        return facts
