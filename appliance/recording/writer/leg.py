"""One leg of a recording: its audio in the recording's time, its gaps, its level."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, final

import numpy as np
import numpy.typing as npt

from appliance.recording.writer.intervals import Span, subtract
from appliance.recording.writer.loudness import Silence
from appliance.recording.writer.notes import Shifted, StallBegan, StallEnded
from appliance.recording.writer.timeline import LegTimeline
from appliance.spool.reader import LegView
from drivers.contract import LossReason

LATE_LEG: Final = "late leg"
_LATE_S: Final = 0.05  # legs of one call open one after the other; less than this is no gap worth telling
_NEWEST_S: Final = 10


class Hole(NamedTuple):
    """A stretch of the recording for which the leg has no captured audio."""

    span: Span
    reason: str


@final
class Leg:
    """One leg, its file placed on the recording's time line. Frames here count in the recording, from 0.

    Parameters
    ----------
    view
        The leg in the spool.
    begin_mono_s
        Moment of the recording's frame 0.
    """

    def __init__(self, view: LegView, begin_mono_s: float) -> None:
        self.view = view
        self.rate_hz = view.record.rate_hz
        self.party = view.record.party
        offset = round((view.record.started_mono_s - begin_mono_s) * self.rate_hz)
        self.timeline = LegTimeline(offset, view.record.skip_frames)
        self.stalled_at: int | None = None
        self.late_since: tuple[float, int] | None = None  # when it was seen to grow again, and its frames before
        self._told = 0
        self._holes: list[Hole] = []
        self._stalls: list[Span] = []
        self._heard_frames = 0
        if offset > _LATE_S * self.rate_hz:
            self._holes.append(Hole(Span(0, offset), LATE_LEG))

    @property
    def end(self) -> int:
        """First frame that the leg does not have yet."""
        return self.timeline.out_of_file(self.view.frames)

    def take_losses(self) -> None:
        """Take over the losses that were told since the last time."""
        for lost in self.view.losses[self._told :]:
            if lost.in_file:
                begin = self.timeline.place(lost.at_frame)
            else:
                begin = self.timeline.lose(lost.at_frame, lost.frames)
            self._holes.append(Hole(Span(begin, begin + lost.frames), lost.reason.value))
        self._told = len(self.view.losses)

    def take_decision(self, decision: StallBegan | StallEnded | Shifted) -> None:
        """Take over what was decided about the leg, by this writer or the one before it."""
        match decision:
            case StallBegan():
                self.stalled_at = decision.at_frame
            case StallEnded():
                if self.stalled_at is not None:
                    self._stalls.append(Span(self.stalled_at, decision.at_frame))
                self.stalled_at = self.late_since = None
            case Shifted():
                self.timeline.insert(decision.file_frame, decision.frames)

    def read(self, into: npt.NDArray[np.int16], begin: int) -> None:
        """Fill the zeroed array with the recording's frames from ``begin`` on; what is missing stays silence."""
        for piece in self.timeline.pieces(begin, begin + len(into), self.view.frames):
            first = piece.out_frame - begin
            self.view.read_into(into[first : first + piece.frames], piece.file_frame)

    def give_back(self, before: int) -> None:
        """Give back the memory of what lies before a frame."""
        self.view.give_back(min(self.timeline.file_of_out(before), self.view.frames))

    def quiet_s(self, silence: Silence) -> float | None:
        """Seconds since the last sound in what came since the last time; None if that is all silence, or nothing.

        Of much only the newest is looked at.
        """
        first = max(self._heard_frames, self.view.frames - _NEWEST_S * self.rate_hz, self.view.record.skip_frames)
        self._heard_frames = self.view.frames
        if self.view.frames <= first:
            return None
        pcm = np.zeros(self.view.frames - first, np.int16)
        got = self.view.read_into(pcm, first)
        quiet = silence.quiet_frames(pcm[:got], self.rate_hz)
        return None if quiet is None else quiet / self.rate_hz

    def captured_frames(self, frames: int) -> int:
        """Count the frames of the leg's file within a recording of so many frames."""
        return sum(piece.frames for piece in self.timeline.pieces(0, frames, self.view.frames))

    def holes(self, frames: int) -> list[Hole]:
        """Give every hole within a recording of so many frames: what was told, and stalls beside it."""
        told = [Hole(hole.span.within(0, frames), hole.reason) for hole in self._holes]
        stalls = [*self._stalls, *([Span(self.stalled_at, frames)] if self.stalled_at is not None else [])]
        own = [
            Hole(span, LossReason.STALLED.value)
            for stall in stalls
            for span in subtract(stall.within(0, frames), [hole.span for hole in told])
        ]
        return _joined(sorted(hole for hole in [*told, *own] if hole.span))

    @property
    def known_holes(self) -> int:
        """A number that changes with every hole that becomes known, or ends."""
        return len(self._holes) + 2 * len(self._stalls) + (self.stalled_at is not None)


def lost_frames(holes: Iterable[Hole]) -> int:
    """Count the frames that are missing in the holes of a leg, but for a late begin."""
    return sum(hole.span.end - hole.span.begin for hole in holes if hole.reason != LATE_LEG)


def _joined(holes: list[Hole]) -> list[Hole]:
    """Put together holes that touch and have the same reason."""
    joined: list[Hole] = []
    for hole in holes:
        last = joined[-1] if joined else None
        if last and last.reason == hole.reason and hole.span.begin <= last.span.end:
            joined[-1] = Hole(Span(last.span.begin, max(last.span.end, hole.span.end)), hole.reason)
        else:
            joined.append(hole)
    return joined
