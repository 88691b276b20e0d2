"""One audio stream of a call, and how long ago it was heard."""

from __future__ import annotations

import dataclasses
import time
from typing import Any, final

from drivers.taps.sip._meter import Meter, Reading
from drivers.taps.sip._source import Source


@final
@dataclasses.dataclass(slots=True)
class Stream:
    """A stream: ``number`` is the leg it belongs to, ``media`` its place in the call, ``slot`` that in the bridge."""

    number: int
    media: int
    meter: Meter
    label: str = ""
    slot: int = -1
    expected: bool = False  # the far side may send now
    paused: bool = False  # the metadata says that nobody sends on it
    heard_s: float = dataclasses.field(default_factory=time.monotonic)
    read_s: float = dataclasses.field(default_factory=time.monotonic)
    certain_s: float = dataclasses.field(default_factory=time.monotonic)  # losses before this moment were told
    quiet_s: float = dataclasses.field(default_factory=time.monotonic)  # and so was silence
    told_s: float = 0.0  # when its silence was told last
    silent: bool = False  # told as a fault
    promised: str = ""  # address that the far side says it sends from
    source: Source = dataclasses.field(default_factory=Source)

    def expect(self, *, expected: bool) -> None:
        """Note whether the far side may send; what it did not send before is no fault, nor when anything was lost."""
        if expected and not self.expected:
            self.begin_anew(time.monotonic())
        self.expected = expected

    def promise(self, address: str) -> None:
        """Note the address that the far side says it sends from."""
        self.source.let_in()
        self.promised = address

    def begin_anew(self, now_s: float) -> None:
        """Go on from a moment as if the stream began: nothing that is told later lies before it."""
        self.heard_s = self.read_s = self.certain_s = self.quiet_s = now_s

    def was_read(self, now_s: float, *, told: bool) -> None:
        """Note a reading, and whether it told of silence."""
        if self.meter.sure:
            self.quiet_s = now_s
        elif told:
            self.quiet_s = self.read_s
        self.certain_s, self.read_s = self.read_s, now_s


def reading(stat: Any, missing: int | None) -> Reading:
    """Counters of ``pjsua2.StreamStat``, and the packets that are missing where something better knows."""
    received, buffer = stat.rtcp.rxStat, stat.jbuf
    return Reading(
        packets=received.pkt,
        octets=received.bytes,
        missing=received.loss if missing is None else missing,
        doubled=received.dup,
        refused=received.discard,
        dropped=buffer.discard,
        silenced=buffer.lost,
        waiting=buffer.size,
        empty_ticks=buffer.empty,
        prefetch=buffer.prefetch,
    )
