"""One capture session of a call: its legs, each a recorder, and what was lost on them."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, final

from drivers.contract import LossReason, Party, SessionSink
from drivers.taps.sip._meter import Change, Totals
from drivers.taps.sip._native import Native
from drivers.taps.sip._recorder import Recorder
from drivers.taps.sip._remainder import Remainder
from drivers.taps.sip._seconds import Seconds

logger = logging.getLogger(__name__)

PATH_MS: Final = -15
"""Delay from a packet's coming to its frame in the file, beside the jitter buffer's, give or take 15 ms.

The buffer is full enough when its last packet begins (-20), and the bridge takes it at its next tick; measured.
"""
_SETTLE_S: Final = 0.2
_FILTER_S: Final = 0.004  # of audio in the filter between a codec and a bridge of different rates


@final
@dataclasses.dataclass(slots=True)
class Leg:
    """One leg. Frames count from ``opened_s`` (monotonic), the moment that its first frame stands for."""

    recorder: Recorder
    party: Party
    opened_s: float
    totals: Totals = dataclasses.field(default_factory=Totals)
    codec: str = ""
    remote: str = ""
    converted: bool = False  # the codec has another rate
    no_media_from: int | None = None  # frame up to which missing media was told
    told_until: int = 0  # end of what was told last
    remainder: Remainder | None = None  # of a stream that ended
    seconds: Seconds = dataclasses.field(default_factory=Seconds)  # in which something was amiss

    def frame_at(self, moment_s: float) -> int:
        """Frame that stands for a monotonic moment."""
        return max(0, round((moment_s - self.opened_s) * self.recorder.rate_hz))

    def place(self, moment_s: float, frames: int) -> int:
        """Frame to tell missing ones at: that of the moment, or behind those that were told last."""
        begin = max(self.frame_at(moment_s), self.told_until)
        self.told_until = begin + frames
        return begin


@final
class Capture:
    """A session into ``sink``, of so many frames a second.

    Its recorders hold the audio back by the jitter buffer's delay, and skip it.
    """

    def __init__(self, native: Native, sink: SessionSink, jitter_ms: int, rate_hz: int) -> None:
        self.sink = sink
        self.heard = False  # the first packet came
        self.began = False  # and every leg has its first frame
        self.legs: dict[int, Leg] = {}
        self.delay_s = (jitter_ms + PATH_MS) / 1000
        self._rate_hz = rate_hz
        self._skip_frames = round(self.delay_s * rate_hz)
        self._native = native

    @property
    def session(self) -> str:
        """The session's identifier."""
        return self.sink.session

    def connect(self, leg: int, party: Party, slot: int) -> None:
        """Record the stream in ``slot`` on the leg, which is opened if it is not there."""
        if leg not in self.legs:
            path = self.sink.leg_file(leg, party, self._rate_hz, skip_frames=self._skip_frames)
            self.legs[leg] = Leg(Recorder(self._native, path, self._rate_hz), party, time.monotonic())
        self.legs[leg].recorder.connect(slot)

    def disconnect(self, leg: int, slot: int) -> None:
        """Record silence on the leg in the place of the stream in ``slot``."""
        if leg in self.legs:
            self.legs[leg].recorder.disconnect(slot)

    def settle(self, meanwhile: Callable[[], object]) -> None:
        """Wait until the bridge has done what :meth:`connect` ordered; it does so between two frames of 20 ms.

        A stream forgets what came before its first frame was asked for, so an answer must not go out earlier.
        ``meanwhile`` is done again and again.
        """
        due = {number: leg.recorder.frames + 2 * leg.recorder.turn_frames for number, leg in self.legs.items()}
        give_up_s = time.monotonic() + _SETTLE_S
        while any(self.legs[number].recorder.frames < frames for number, frames in due.items()):
            if time.monotonic() > give_up_s:
                logger.warning("the bridge's clock stands still")
                return
            meanwhile()
            time.sleep(0.002)

    def describe(self, leg: int, codec: str, rate_hz: int, remote: str) -> None:
        """Note the codec, its rate, and the address that the leg's stream comes with now."""
        self.legs[leg].codec, self.legs[leg].remote = codec, remote
        self.legs[leg].converted = rate_hz != self._rate_hz

    @property
    def converted(self) -> bool:
        """Whether the audio of a leg goes through a filter that brings it to our rate: 4 ms of it are in there."""
        return any(leg.converted for leg in self.legs.values())

    def count(self, leg: int, change: Change, lost_s: float, quiet_s: float) -> Counter[LossReason]:
        """Note what a stream counted: losses since one moment, silence since another; gives the frames told."""
        found = self.legs.get(leg)
        if found is None:
            return Counter()
        found.totals.add(change)
        self._tell_second(leg, found, change)
        silence = _reason(change)
        self._lose(leg, found, change.absent_frames, lost_s, LossReason.PACKETS_LOST, in_file=False)
        self._lose(leg, found, change.lost_frames, lost_s, LossReason.PACKETS_LOST)
        self._lose(leg, found, change.inserted_frames, quiet_s, silence)
        told = Counter({LossReason.PACKETS_LOST: change.absent_frames + change.lost_frames})
        told[silence] += change.inserted_frames
        return +told

    def _tell_second(self, number: int, leg: Leg, change: Change) -> None:
        """Put a second in which something was amiss among the session's facts."""
        second = int(time.monotonic() - leg.opened_s)
        if facts := leg.seconds.take(second, change):
            self.sink.measured({f"leg{number}_second{second}": facts})

    def _lose(
        self, number: int, leg: Leg, frames: int, since_s: float, reason: LossReason, *, in_file: bool = True
    ) -> None:
        if frames:
            self.sink.lost(number, leg.place(since_s, frames), frames, reason, in_file=in_file)

    def abandon(self, leg: int, frames: int, now_s: float) -> None:
        """Note that the last ``frames`` before a moment never left the jitter buffer, which gave silence meanwhile."""
        found = self.legs.get(leg)
        if found is not None:
            at = max(0, found.frame_at(now_s) - frames)
            self.sink.lost(leg, at, frames, LossReason.PACKETS_LOST, in_file=True)

    def miss(self, leg: int, since_s: float, now_s: float) -> int:
        """Note that nothing came from a moment until now; gives the frames that were not told before."""
        found = self.legs.get(leg)
        if found is None:
            return 0
        begin = max(found.frame_at(since_s), found.no_media_from or 0)
        frames = found.frame_at(now_s) - begin
        if frames <= 0:
            return 0
        self.sink.lost(leg, begin, frames, LossReason.NO_MEDIA, in_file=True)
        found.no_media_from = found.told_until = begin + frames
        return frames

    def remain(self, leg: int, remainder: Remainder, later: Callable[[float, Callable[[], None]], None]) -> int:
        """Record what a stream of the leg left when it ended; gives the frames that its filter kept, told as lost."""
        found = self.legs[leg]
        remainder.begin(found.recorder, later)
        found.remainder = remainder
        frames = round(_FILTER_S * self._rate_hz) if found.converted else 0
        self._lose(leg, found, frames, time.monotonic() - self.delay_s, LossReason.PACKETS_LOST)
        return frames

    def remaining(self, now_s: float) -> dict[int, int]:
        """Frames of each leg that are still to be played on; only where there are any."""
        left = {number: leg.remainder.over_s - now_s for number, leg in self.legs.items() if leg.remainder is not None}
        return {number: round(left_s * self._rate_hz) for number, left_s in left.items() if left_s > 0}

    def detach(self) -> None:
        """Let the legs grow no more."""
        for leg in self.legs.values():
            leg.recorder.close()

    @property
    def whole(self) -> bool:
        """Whether every leg's file is whole after :meth:`detach`."""
        return all(leg.recorder.whole for leg in self.legs.values())

    def close(self, reason: str) -> None:
        """Close the sink. Leaves the memory of a recorder alone that the bridge still holds."""
        for number, leg in self.legs.items():
            if leg.recorder.whole:
                leg.recorder.release()
            else:
                logger.error("leg %d of %s was not let go by PJSIP", number, self.session)
        self._native.flush()
        if self.legs:
            self.sink.measured({f"leg{number}": _facts(leg) for number, leg in self.legs.items()})
        self.sink.close(reason)


def _reason(change: Change) -> LossReason:
    """Why silence was put in that no packet lost on its way explains."""
    if change.restarted:
        return LossReason.PACKETS_LOST
    return LossReason.STALLED if change.delayed else LossReason.NO_MEDIA


def _facts(leg: Leg) -> dict[str, Any]:
    return {
        "packets": leg.totals.packets,
        "lost": leg.totals.lost,
        "discarded_frames": leg.totals.discarded_frames,
        "concealed_frames": leg.totals.concealed_frames,
        "inserted_frames": leg.totals.inserted_frames,
        "delay_frames": leg.totals.delay_frames,
        "codec": leg.codec,
        "remote": leg.remote,
        **({"seconds_left_out": leg.seconds.left_out} if leg.seconds.left_out else {}),
    }
