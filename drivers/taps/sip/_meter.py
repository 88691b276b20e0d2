"""What PJSIP counts about one stream, turned into what was lost between two looks."""

from __future__ import annotations

import dataclasses
from typing import Final, final

BUFFER_FRAMES: Final = 80
"""Frames at 8 kHz of one entry in the jitter buffer: PJSIP cuts G.711 and G.722 into 10 ms."""


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
    silenced: int = 0  # entries for which the jitter buffer gave silence
    waiting: int = 0  # entries in the jitter buffer now

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
    def lost_frames(self) -> int:
        """Frames at 8 kHz that were sent and are not in the recording."""
        late = max(0.0, self.dropped * BUFFER_FRAMES - self.doubled * self.packet_frames)
        return round((self.lost_packets + self.refused) * self.packet_frames + late)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What happened between two readings. ``lost_frames`` are those to tell of."""

    packets: int = 0
    missing: int = 0
    refused: int = 0
    dropped: int = 0
    silenced: int = 0
    lost_frames: int = 0


@final
@dataclasses.dataclass(slots=True)
class Totals:
    """What a capture session saw on one leg: packets, and frames at 8 kHz where the name says so."""

    packets: int = 0
    lost: int = 0
    discarded_frames: int = 0
    concealed_frames: int = 0  # silence in place of lost ones

    def add(self, change: Change) -> None:
        """Add what happened."""
        self.packets += change.packets
        self.lost += change.missing + change.refused
        self.discarded_frames += change.dropped * BUFFER_FRAMES
        self.concealed_frames += change.silenced * BUFFER_FRAMES


@final
class Meter:
    """Follows one stream of a call, through its restarts (hold, resume, another codec)."""

    def __init__(self) -> None:
        self._before = Reading()
        self._told_frames = 0

    def take(self, now: Reading, *, last: bool = False) -> Change:
        """Take a reading; gives what changed since the one before.

        A loss is told by the reading after the one that first showed it, since a packet out of order may still
        come; the ``last`` reading tells all. What waited in a jitter buffer that was made anew is lost.
        """
        abandoned_frames = 0
        if now.packets < self._before.packets:
            abandoned_frames = self._before.waiting * BUFFER_FRAMES
            self._before, self._told_frames = Reading(), 0
        before, self._before = self._before, now
        certain_frames = now.lost_frames if last else min(now.lost_frames, before.lost_frames)
        lost_frames = max(0, certain_frames - self._told_frames)
        self._told_frames += lost_frames
        return Change(
            packets=now.packets - before.packets,
            missing=now.lost_packets - before.lost_packets,
            refused=now.refused - before.refused,
            dropped=now.dropped - before.dropped,
            silenced=now.silenced - before.silenced,
            lost_frames=lost_frames + abandoned_frames,
        )
