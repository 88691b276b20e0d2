"""What PJSIP counts about one stream, turned into what was lost or put in between two looks.

The recording is the bridge's ticks one after the other: what the jitter buffer gave, and silence where it gave none.
So audio and told silence add up to the length of the leg, and that is what is kept true here.

It is reckoned at 8 kHz, the RTP clock of G.711 and of G.722 (RFC 3551, 4.5.2); what is told are frames as they are
stored.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Final, final

CLOCK_HZ: Final = 8000

BUFFER_FRAMES: Final = 80
"""Frames at 8 kHz of one entry in the jitter buffer: PJSIP cuts G.711 and G.722 into 10 ms."""

TICK_FRAMES: Final = 160
"""Frames at 8 kHz that the bridge takes at once, and of silence when the jitter buffer is empty at that moment."""

_FILLING_SLACK_TICKS: Final = 2
_LEAST_FRAMES: Final = BUFFER_FRAMES  # less is the rounding of a packet's mean length
_DELAYED_SHARE: Final = 0.25  # of the silence; the next packets may be late too just now
_BARE_FRAMES: Final = 480  # so much lost without silence is no matter of rounding


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """Counters of a stream since it began. G.711 and G.722 have one octet for each frame at 8 kHz."""

    packets: int = 0  # RTP that came
    octets: int = 0  # of payload
    missing: int = 0  # RTP that never came; falls again when one comes out of order
    doubled: int = 0  # RTP that came twice
    refused: int = 0  # RTP whose number fits nothing
    dropped: int = 0  # entries that the jitter buffer had no use for: too late, no room, there already
    silenced: int = 0  # entries for which the jitter buffer gave silence, between two that it had
    waiting: int = 0  # entries in the jitter buffer now
    empty_ticks: int = 0  # ticks at which it gave nothing: empty, or not full enough to begin
    prefetch: int = 0  # entries that are full enough, at the begin and whenever it has run empty

    @property
    def packet_frames(self) -> float:
        """Frames at 8 kHz of a packet, on the average."""
        return self.octets / self.packets if self.packets else 0.0

    @property
    def lost_packets(self) -> int:
        """RTP that never came.

        PJSIP takes what it expected less what it got, so that a packet that came twice hides one that did not. How
        many are hidden is certain only where more are missing; else it is no more than there was silence for.
        """
        hidden = self.doubled
        if not self.missing and hidden:
            hidden = min(hidden, round(self.silenced * BUFFER_FRAMES / max(1.0, self.packet_frames)))
        return self.missing + hidden

    @property
    def filled(self) -> bool:
        """Whether the jitter buffer is sure to give at the next tick."""
        return self.waiting >= max(1, self.prefetch)

    def given_since(self, before: Reading) -> float:
        """Entries that the jitter buffer gave since another reading. Packets that hold no audio add a little."""
        came = (self.octets - before.octets) / BUFFER_FRAMES - (self.dropped - before.dropped)
        return came - (self.waiting - before.waiting)

    @property
    def lost_frames(self) -> int:
        """Frames at 8 kHz that were sent and are not in the recording."""
        return self.missing_frames + self.useless_frames

    @property
    def missing_frames(self) -> int:
        """Those that never came."""
        return round(self.lost_packets * self.packet_frames)

    @property
    def useless_frames(self) -> int:
        """Those that came: too late, out of all order, or when there was no room."""
        late = max(0.0, self.dropped * BUFFER_FRAMES - self.doubled * self.packet_frames)
        return round(self.refused * self.packet_frames + late)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What happened between two readings, in packets and in stored frames. The last five are to be told."""

    packets: int = 0
    missing: int = 0
    refused: int = 0
    dropped_frames: int = 0
    silent_frames: int = 0  # of silence among the audio
    waiting_frames: int = 0  # while nothing disturbed the stream
    lost_frames: int = 0  # silence stands in their place
    absent_frames: int = 0  # lost too, but nothing stands in their place
    inserted_frames: int = 0  # silence in the place of nothing that was sent
    delayed: bool = False  # and what came behind it is later by it, so that the time line moved
    restarted: bool = False  # in the place of what waited when the far side began its numbers anew


@final
@dataclasses.dataclass(slots=True)
class Totals:
    """What a capture session saw on one leg: packets, and stored frames where the name says so."""

    packets: int = 0
    lost: int = 0
    discarded_frames: int = 0
    concealed_frames: int = 0  # silence among the audio, whatever the reason
    inserted_frames: int = 0  # those of them that no lost packet explains
    delay_frames: int = 0  # between a packet's coming and its place in the file, when it was known last

    def add(self, change: Change) -> None:
        """Add what happened."""
        self.packets += change.packets
        self.lost += change.missing + change.refused
        self.discarded_frames += change.dropped_frames
        self.concealed_frames += change.silent_frames
        self.inserted_frames += change.inserted_frames
        if change.waiting_frames:
            self.delay_frames = change.waiting_frames


@final
class Silence:
    """Counts the silence among the audio of one stream: behind its first frame, and before the last that was given.

    The jitter buffer counts each tick at which it gave nothing. Those before the first frame are its filling; the
    others are silence in the recording once audio has followed them. If none follows, the stream has ended.
    """

    def __init__(self) -> None:
        self.playing = False  # the first frame was given
        self.frames = 0  # with audio behind
        self.all_frames = 0  # and those for which that is not sure yet
        self._filling_ticks: int | None = None

    def take(self, before: Reading, now: Reading, *, last: bool) -> None:
        """Take a reading; with ``last`` what waits counts as given."""
        if not self.playing:
            self._begin(now)
        if self._filling_ticks is None or not self.playing:
            return
        slots_frames = now.silenced * BUFFER_FRAMES
        sure_ticks = 0
        if now.filled or (last and now.waiting):
            sure_ticks = now.empty_ticks - self._filling_ticks
        elif now.given_since(before) >= 1:
            sure_ticks = before.empty_ticks - self._filling_ticks
        self.frames = max(self.frames, sure_ticks * TICK_FRAMES + slots_frames)
        self.all_frames = (now.empty_ticks - self._filling_ticks) * TICK_FRAMES + slots_frames

    def _begin(self, now: Reading) -> None:
        if not now.packets:
            return
        if self._filling_ticks is None:
            self._filling_ticks = now.empty_ticks + max(0, math.ceil((now.prefetch - now.waiting) / 2))
        self.playing = now.given_since(Reading()) >= 1
        if self.playing and now.empty_ticks <= self._filling_ticks + _FILLING_SLACK_TICKS:
            self._filling_ticks = now.empty_ticks


@final
@dataclasses.dataclass(slots=True)
class _Told:
    """Frames of one stream that were told, and as what."""

    lost: int = 0  # those that left no silence among them
    absent: int = 0  # those alone
    excused: int = 0
    inserted: int = 0


@final
class Meter:
    """Follows one stream of a call, through its restarts (hold, resume, another codec).

    Parameters
    ----------
    rate_hz
        Frames a second that are stored, a multiple of the RTP clock; what the meter gives and takes is in these.
    """

    def __init__(self, rate_hz: int = CLOCK_HZ) -> None:
        self._scale = rate_hz // CLOCK_HZ
        self._before = Reading()
        self._told = _Told()
        self._silence = Silence()
        self._quiet_waiting = 0  # entries that waited before the silence that is not told yet
        self._quiet_refused = 0
        self._end: Reading | None = None

    @property
    def playing(self) -> bool:
        """Whether the stream's first frame is in the recording."""
        return self._silence.playing

    @property
    def sure(self) -> bool:
        """Whether audio followed all silence that the latest reading showed."""
        return self._silence.frames == self._silence.all_frames

    def excuse(self, frames: int) -> None:
        """Take note that so much silence among the audio was told already, by the clock."""
        if self.playing:
            self._told.excused += frames // self._scale

    def hears(self, now: Reading) -> bool:
        """Whether packets came since the latest reading."""
        return now.packets != self._before.packets

    def end(self) -> None:
        """Note that the latest reading is the last that belongs to the session."""
        self._end = self._before

    def left(self, now: Reading) -> int:
        """Frames that came before :meth:`end` and wait still."""
        entries = now.waiting
        if self._end is not None:
            given = math.floor(now.given_since(self._end))
            entries = max(0, min(now.waiting, self._end.waiting - given))
        return entries * BUFFER_FRAMES * self._scale

    def take(self, now: Reading, *, last: bool = False) -> Change:
        """Take a reading; gives what changed since the one before.

        A loss is told by the reading after the one that first showed it, and not while its place may still wait in
        the jitter buffer, since a packet out of order may still come; the ``last`` reading tells all. What waited in
        a jitter buffer that was made anew is lost.
        """
        abandoned_frames = self._begin_anew(now)
        before, self._before = self._before, now
        silent_before = self._silence.frames
        self._silence.take(before, now, last=last)
        certain_frames = now.lost_frames if last else self._certain(before, now)
        lost_frames = max(0, certain_frames - self._told.lost)
        self._told.lost += lost_frames
        lost_frames -= self._use_excuse(lost_frames)
        absent_frames = self._absent(now, lost_frames)
        inserted_frames = self._inserted(now)
        delayed = (now.waiting - self._quiet_waiting) * BUFFER_FRAMES >= _DELAYED_SHARE * inserted_frames
        restarted = now.refused > self._quiet_refused
        if self.playing and self.sure:
            self._quiet_waiting = max(now.waiting, before.waiting)
            self._quiet_refused = now.refused
        return Change(
            packets=now.packets - before.packets,
            missing=now.lost_packets - before.lost_packets,
            refused=now.refused - before.refused,
            dropped_frames=(now.dropped - before.dropped) * BUFFER_FRAMES * self._scale,
            silent_frames=(self._silence.frames - silent_before) * self._scale,
            waiting_frames=self._quiet_waiting * BUFFER_FRAMES * self._scale,
            lost_frames=(lost_frames - absent_frames + abandoned_frames) * self._scale,
            absent_frames=absent_frames * self._scale,
            inserted_frames=inserted_frames * self._scale,
            delayed=delayed,
            restarted=restarted,
        )

    def _certain(self, before: Reading, now: Reading) -> int:
        """Frames that are lost for sure. Of what is missing that is what silence was given for, or has no room to wait.

        At any moment some packet is behind its followers, if not the same one, where each is late by its own time.
        """
        useless_frames = min(before.useless_frames, now.useless_frames)
        missing_frames = min(before.missing_frames, now.missing_frames)
        silent_frames = self._silence.all_frames - self._told.inserted + self._told.absent - useless_frames
        roomless_frames = missing_frames - now.waiting * BUFFER_FRAMES
        return useless_frames + max(0, min(missing_frames, max(silent_frames, roomless_frames)))

    def _begin_anew(self, now: Reading) -> int:
        """Forget a stream that was made anew; gives the frames that waited in the old one, or were not told yet."""
        if now.packets >= self._before.packets and now.empty_ticks >= self._before.empty_ticks:
            return 0
        untold_frames = max(0, self._before.lost_frames - self._told.lost)
        abandoned_frames = self._before.waiting * BUFFER_FRAMES + untold_frames
        self._before, self._told, self._silence = Reading(), _Told(), Silence()
        self._quiet_waiting, self._quiet_refused, self._end = 0, 0, None
        return abandoned_frames

    def _use_excuse(self, lost_frames: int) -> int:
        """Of the frames to be told as lost those for which silence was told already."""
        excused_frames = min(lost_frames, self._told.excused)
        self._told.excused -= excused_frames
        return excused_frames

    def _absent(self, now: Reading, lost_frames: int) -> int:
        """Of the frames to be told as lost those that left no silence: a buffer that is full drops its oldest.

        Silence that is still to come has its place in the buffer, and stands for a packet that never came.
        """
        to_come = min(now.waiting * BUFFER_FRAMES, now.missing_frames) - (now.lost_frames - self._told.lost)
        bare = self._told.lost - self._told.absent - self._silence.all_frames - max(0, to_come)
        if bare <= _BARE_FRAMES:
            return 0
        absent = min(lost_frames, bare)
        self._told.absent += absent
        return absent

    def _inserted(self, now: Reading) -> int:
        """Silence to be told that no lost packet explains: the far side sent nothing, or sent it too late."""
        explained = now.lost_frames - self._told.absent + self._told.excused
        untold = self._silence.frames - explained - self._told.inserted
        if untold < 0 and self.sure and self._told.lost == now.lost_frames:
            self._told.excused = max(0, self._told.excused + untold)  # it excuses nothing that comes later
        if untold < _LEAST_FRAMES:
            return 0
        self._told.inserted += untold
        return untold
