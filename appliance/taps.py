"""All taps of the box as one: their supervisors, and the channels that their lines are."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Final, final

from appliance.capture.supervisor import TapStatus, TapSupervisor
from appliance.channels.channel import Assignment
from appliance.channels.pool import ChannelPool
from appliance.playback.service import Playbacks
from appliance.scheduler.arrivals import Arrivals
from drivers.contract import Line, TapEvent, TapMeter, TapOptions, TapOptionsError

_MOST_NAMED: Final = 8
_EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - compared with, not bound to


@final
class Taps:
    """Implements ``recorder.Lines`` over the supervisors. Belongs to the event loop."""

    def __init__(self, options: Sequence[TapOptions], run_dir: Path) -> None:
        self._arrivals: Arrivals | None = None
        self._playbacks: Playbacks | None = None
        self._supervisors: dict[str, TapSupervisor] = {
            o.name: TapSupervisor(
                o,
                run_dir,
                on_fact=functools.partial(self._fact, o.name),
                on_up=functools.partial(self._up, o.name),
                on_down=functools.partial(self._down, o.name),
            )
            for o in options
        }

    async def plan(self, pool: ChannelPool) -> None:
        """Find out the lines and make a channel of each, in the order of the settings.

        Raises TapFailedError, and TapOptionsError with a line for each fault: what a tap cannot do here, an assignment
        to a line that is none, an address that two taps want to listen on.
        """
        taps = list(self._supervisors.values())
        ends = await asyncio.gather(*(tap.plan() for tap in taps), return_exceptions=True)
        for end in ends:
            if end is not None and not isinstance(end, TapOptionsError):
                raise end
        faults = [str(end) for end in ends if end is not None]
        faults += [fault for tap, end in zip(taps, ends, strict=True) if end is None and (fault := _unassigned(tap))]
        faults += _shared(taps)
        if faults:
            raise TapOptionsError("\n".join(faults))
        for tap in taps:
            for line in tap.lines:
                arrive = tap.capabilities.calls_arrive or line.calls_arrive
                channel = pool.add(tap.name, line.name, calls_arrive=arrive, devices=tap.options.devices)
                channel.dials = tap.capabilities.dials
                channel.speaks = tap.capabilities.dials and tap.capabilities.speaks
                channel.joins = tap.capabilities.joins and channel.speaks
                channel.assignment = Assignment.parse(tap.options.assign.get(line.name, "any"))

    async def start(self, arrivals: Arrivals, playbacks: Playbacks) -> None:
        """Start every worker; facts about playbacks go to ``playbacks``, all others to ``arrivals`` from now on."""
        self._arrivals, self._playbacks = arrivals, playbacks
        await asyncio.gather(*(tap.start() for tap in self._supervisors.values()))

    async def run(self) -> None:
        """Watch over the workers until the end; a vital task. A box without taps has none to watch, and serves on."""
        if not self._supervisors:
            await asyncio.Event().wait()
        await asyncio.gather(*(tap.wait() for tap in self._supervisors.values()))

    async def close(self) -> None:
        """End every worker, its sessions closed."""
        await asyncio.gather(*(tap.close() for tap in self._supervisors.values()))

    async def start_line(self, tap: str, line: str, session: str) -> None:
        """Begin to capture the line into the session. Raises a TapError."""
        await self._supervisors[tap].start_line(line, session)

    async def stop_line(self, tap: str, line: str) -> None:
        """End the session on the line. Raises a TapError."""
        await self._supervisors[tap].stop_line(line)

    async def dial(self, tap: str, line: str, phone: str, barge_code: str) -> None:
        """Call a phone from the line. Raises a TapError."""
        await self._supervisors[tap].dial(line, phone, barge_code)

    async def join(self, tap: str, line: str, phone: str) -> None:
        """Join the call at a phone from the line. Raises a TapError."""
        await self._supervisors[tap].join(line, phone)

    async def play(self, tap: str, line: str, file: Path) -> None:
        """Play a file to the call on the line. Raises a TapError."""
        await self._supervisors[tap].play(line, file)

    async def hang_up(self, tap: str, line: str, reason: str) -> None:
        """End the call on the line. Raises a TapError."""
        await self._supervisors[tap].hang_up(line, reason)

    async def simulate(self, tap: str, line: str, fault: str, amount: float) -> None:
        """Make a fault happen on a tap that simulates. Raises a TapError."""
        if tap not in self._supervisors:
            raise TapOptionsError(f"there is no tap {tap!r}")
        await self._supervisors[tap].simulate(line, fault, amount)

    def tell_health(self, trouble: str) -> None:
        """Tell every tap what keeps the box from recording; empty while nothing does."""
        for tap in self._supervisors.values():
            tap.tell_health(trouble)

    def status(self) -> dict[str, TapStatus]:
        """How every tap does, by name."""
        return {name: tap.status for name, tap in self._supervisors.items()}

    def meters(self) -> dict[str, list[TapMeter]]:
        """What every tap measures, by name."""
        return {name: tap.meters() for name, tap in self._supervisors.items()}

    def quiet_s(self) -> dict[str, float]:
        """Seconds without voice of each session whose tap listens by itself."""
        lines = (line for meters in self.meters().values() for meter in meters for line in meter.lines)
        return {line.session: line.quiet_s for line in lines if line.session and line.quiet_s is not None}

    def _fact(self, tap: str, fact: TapEvent) -> None:
        if self._playbacks and self._playbacks.fact(tap, fact):
            return
        if self._arrivals:
            self._arrivals.fact(tap, fact)

    def _up(self, tap: str, lines: tuple[Line, ...]) -> None:
        if self._arrivals:
            self._arrivals.lines_up(tap, [line.name for line in lines])

    def _down(self, tap: str, lines: tuple[Line, ...], reason: str) -> None:
        if self._playbacks:
            self._playbacks.lines_down(tap, [line.name for line in lines])
        if self._arrivals:
            self._arrivals.lines_down(tap, [line.name for line in lines], reason)


def _unassigned(tap: TapSupervisor) -> str:
    """What is wrong with the lines that a tap's options assign; empty where nothing is."""
    lost = set(tap.options.assign) - {line.name for line in tap.lines}
    there = ", ".join(line.name for line in tap.lines[:_MOST_NAMED])
    more = ", …" if len(tap.lines) > _MOST_NAMED else ""
    return (
        f"tap {tap.name}: assign: there is no line {', '.join(sorted(lost))}; there are {there}{more}" if lost else ""
    )


def _shared(taps: Sequence[TapSupervisor]) -> list[str]:
    """Tell of each two taps that want to listen on the same address; every one of the machine is among 0.0.0.0."""
    faults = []
    for number, tap in enumerate(taps):
        for other in taps[:number]:
            both = sorted(f"{a} and {b}" if a != b else a for a in tap.listens for b in other.listens if _meet(a, b))
            if both:
                faults.append(f"tap {tap.name} and tap {other.name} both listen on {both[0]}: one needs another port")
    return faults


def _meet(address: str, other: str) -> bool:
    (host, _, port), (other_host, _, other_port) = address.rpartition(":"), other.rpartition(":")
    return port == other_port and (host == other_host or _EVERYWHERE in {host, other_host})
