"""Playbacks that go on: each takes a channel through its states, from the dialling to the line's being free."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import itertools
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol, final

from appliance import clock
from appliance.bus.commands import PlaybackEnd, PlaybackOrder, PlaybackOutcome
from appliance.channels.channel import Channel
from appliance.channels.pool import ChannelPool
from appliance.channels.states import ChannelState, Trigger
from appliance.errors import (
    DeviceInvalidError,
    NoFreeChannelError,
    RecorderNotRunningError,
    RequestError,
    RequiredBlankError,
)
from appliance.events.bus import EventBus
from appliance.events.types import CallStopped
from appliance.playback.audio import prepare
from drivers.contract import (
    CallAnswered,
    CallLeft,
    LineBusyError,
    NumberInvalidError,
    PlayEnded,
    TapError,
    TapEvent,
)

logger = logging.getLogger(__name__)

RING_S: Final = 180.0
"""How long a line may take to be answered or to give up, which it does earlier."""
MOST_TRIES: Final = 3
"""How many lines are tried, where a call comes in on the one that was chosen."""
LISTEN_S: Final = 60.0
"""How long a phone that has heard everything may stay off hook before the line is let go."""
FREE_S: Final = 5.0
"""How long a line may take to become free."""


class Lines(Protocol):
    """The lines of all taps. Each verb raises a TapError."""

    async def dial(self, tap: str, line: str, phone: str, barge_code: str) -> None:
        """Call a phone; CallAnswered or CallLeft follow."""
        ...

    async def join(self, tap: str, line: str, phone: str) -> None:
        """Join the call at a phone; CallAnswered or CallLeft follow."""
        ...

    async def play(self, tap: str, line: str, file: Path) -> None:
        """Play a file to the call; PlayEnded follows."""
        ...

    async def hang_up(self, tap: str, line: str, reason: str) -> None:
        """End the call; CallLeft follows."""
        ...


@final
@dataclasses.dataclass(slots=True, eq=False)
class Playing:
    """One playback. ``left`` is set when the call is over, ``stopping`` when the end was ordered."""

    order: PlaybackOrder
    channel: Channel
    file: Path
    over: Callable[[PlaybackEnd], None]
    ordered_mono_s: float = dataclasses.field(default_factory=clock.monotonic_s)
    answered: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    ended: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    left: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    stopping: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    freed: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    dialled: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    under_way: bool = False  # the call went out
    reason: str = ""  # why the call is over
    fault: RequestError | None = None
    answered_s: float | None = None
    played_s: float = 0.0

    def stop(self, reason: str) -> None:
        """Order its end."""
        self.reason = self.reason or reason
        self.stopping.set()

    @property
    def end(self) -> PlaybackEnd:
        """What came of it."""
        return PlaybackEnd(
            outcome=self._outcome,
            reason=self.reason or _NO_REASON[self._outcome],
            channel=self.channel.number,
            answered_s=self.answered_s,
            played_s=round(self.played_s, 2),
        )

    @property
    def _outcome(self) -> PlaybackOutcome:
        if self.fault is not None:
            return "failed"
        if self.ended.is_set():
            return "played"
        return "cut short" if self.answered.is_set() else "not answered"


_NO_REASON: Final[dict[PlaybackOutcome, str]] = {
    "played": "the recording is over",
    "cut short": "the call is over",
    "not answered": "it did not answer",
    "failed": "the line failed",
}


@final
class Playbacks:
    """Implements ``appliance.bus.commands.Playback``. Belongs to the core's event loop.

    ``scratch`` is a folder of its own for what is being played.
    """

    def __init__(self, pool: ChannelPool, lines: Lines, events: EventBus, scratch: Path) -> None:
        self._pool = pool
        self._lines = lines
        self._events = events
        self._scratch = scratch
        self._numbers = itertools.count(1)
        self._playing: list[Playing] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.counters: collections.Counter[str] = collections.Counter()

    async def start(self, order: PlaybackOrder, over: Callable[[PlaybackEnd], None]) -> None:
        """Call the phone; returns when the call is on its way, or cannot be made.

        ``over`` is called once, after the return, where the call was on its way.
        """
        channel = self._choose(order)
        playing = Playing(order, channel, self._scratch / f"{next(self._numbers)}.wav", over)
        self._take(channel, order)  # before anything is awaited: nobody else takes it
        self._playing.append(playing)
        try:
            await asyncio.to_thread(self._prepare, playing)
        except BaseException:
            self._free(playing)
            raise
        task = asyncio.create_task(self._run(playing), name=f"playback on {channel!r}")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        await playing.dialled.wait()
        if playing.fault:
            raise playing.fault

    def _choose(self, order: PlaybackOrder) -> Channel:
        """Choose a line. Raises NoFreeChannelError, RequiredBlankError."""
        channel = self._pool.choose_for_playback(joins=order.join)
        if channel is None and order.barge_code:
            channel = self._pool.choose_for_playback()
        if channel is None and order.join and not order.barge_code and not any(c.joins for c in self._pool):
            raise RequiredBlankError("BARGECODE is required: no line finds the call at a phone by itself")
        if channel is None:
            raise NoFreeChannelError
        return channel

    @staticmethod
    def _take(channel: Channel, order: PlaybackOrder) -> None:
        channel.apply(Trigger.DIALED)
        channel.playback_extension = order.phone

    @staticmethod
    def _let_go(channel: Channel) -> None:
        channel.playback_extension = ""
        if channel.state in {ChannelState.DIALING_FOR_PLAYBACK, ChannelState.PLAYBACK}:
            channel.apply(Trigger.FREED)

    async def stop(self, phone: str) -> bool:
        """End what is played to the phone; False if nothing is."""
        found = [one for one in self._playing if one.order.phone == phone]
        for one in found:
            one.stop("EXTENSIONPLAYBACKSTOP")
        for one in found:
            await one.freed.wait()
        return bool(found)

    async def run(self) -> None:
        """End what barged into a call when that call ends, for ever; a vital task."""
        subscription = self._events.subscribe()
        try:
            while True:
                event = await subscription.get()
                if isinstance(event, CallStopped):
                    self._call_stopped({event.device_id, event.fields.device_alias})
        finally:
            subscription.close()

    async def close(self) -> None:
        """End every playback, and wait until the lines are free."""
        for one in self._playing:
            one.stop("the box stops")
        if self._tasks:
            await asyncio.wait(self._tasks)

    def fact(self, tap: str, fact: TapEvent) -> bool:
        """Take a fact of a line that plays; False if it is none of that."""
        if not isinstance(fact, CallAnswered | PlayEnded | CallLeft):
            return False
        found = [one for one in self._playing if (one.channel.tap, one.channel.line) == (tap, fact.line)]
        for one in found:
            if isinstance(fact, CallLeft):
                one.reason = one.reason or fact.reason
                one.left.set()
            else:
                (one.answered if isinstance(fact, CallAnswered) else one.ended).set()
        return bool(found) or isinstance(fact, PlayEnded)  # of a playback that is over already

    def lines_down(self, tap: str, lines: Sequence[str]) -> None:
        """The worker of these lines is gone, and their calls with it."""
        for one in self._playing:
            if one.channel.tap == tap and one.channel.line in lines:
                one.reason = one.reason or "tap worker lost"
                one.left.set()

    def _call_stopped(self, names: set[str]) -> None:
        for one in self._playing:
            if one.order.barges and one.order.phone in names:
                one.stop("the call at the device ended")

    def _prepare(self, playing: Playing) -> None:
        self._scratch.mkdir(parents=True, exist_ok=True)
        prepare(playing.order.path, playing.file)

    # --- one playback ---------------------------------------------------------------------------------------------

    async def _run(self, playing: Playing) -> None:
        try:
            await self._play(playing)
        except TapError as error:
            is_number = isinstance(error, NumberInvalidError)
            playing.fault = (DeviceInvalidError if is_number else RecorderNotRunningError)(
                str(error) if is_number else f"{type(error).__name__}: {error}"
            )
            playing.reason = playing.fault.detail
            logger.warning("nothing is played to %s: %s", playing.order.phone, error)
        finally:
            await self._hang_up(playing)
            self._free(playing)

    async def _play(self, playing: Playing) -> None:
        await self._dial(playing)
        channel, order = playing.channel, playing.order
        playing.dialled.set()
        playing.under_way = True
        await _first(RING_S, playing.answered, playing.left, playing.stopping)
        if not playing.answered.is_set() or playing.left.is_set():
            logger.warning("nothing is played to %s: %s", order.phone, playing.reason or "it did not answer")
            return
        playing.answered_s = round(clock.monotonic_s() - playing.ordered_mono_s, 2)
        channel.apply(Trigger.ANSWERED)
        await self._lines.play(channel.tap, channel.line, playing.file)
        begun_mono_s = clock.monotonic_s()
        await _first(None, playing.ended, playing.left, playing.stopping)
        playing.played_s = clock.monotonic_s() - begun_mono_s
        if playing.ended.is_set() and not order.barges:  # whoever was called hangs up
            await _first(LISTEN_S, playing.left, playing.stopping)

    async def _dial(self, playing: Playing) -> None:
        """Call the phone, or join its call; from another line if a call came in on the one that was chosen."""
        order = playing.order
        for tries in range(1, MOST_TRIES + 1):
            channel = playing.channel
            try:
                if order.join and channel.joins:
                    await self._lines.join(channel.tap, channel.line, order.phone)
                else:
                    await self._lines.dial(channel.tap, channel.line, order.phone, order.barge_code)
            except LineBusyError:
                if tries == MOST_TRIES or not self._move(playing):
                    raise
            else:
                return

    def _move(self, playing: Playing) -> bool:
        """Take another line; False where there is none."""
        try:
            channel = self._choose(playing.order)
        except RequestError:
            return False
        self._take(channel, playing.order)
        self._let_go(playing.channel)
        playing.channel = channel
        return True

    async def _hang_up(self, playing: Playing) -> None:
        channel = playing.channel
        if playing.left.is_set() or not playing.dialled.is_set():
            return
        try:
            await self._lines.hang_up(channel.tap, channel.line, playing.end.reason)
        except TapError as error:
            logger.warning("%r did not hang up: %s: %s", channel, type(error).__name__, error)
            return
        await _first(FREE_S, playing.left)

    def _free(self, playing: Playing) -> None:
        playing.file.unlink(missing_ok=True)
        self._playing.remove(playing)
        self._let_go(playing.channel)
        playing.dialled.set()
        playing.freed.set()
        if playing.under_way:
            self._tell(playing)

    def _tell(self, playing: Playing) -> None:
        end = playing.end
        self.counters[end.outcome] += 1
        logger.info(
            "playback to %s on channel %d: %s after %g s: %s",
            playing.order.phone,
            end.channel,
            end.outcome,
            end.played_s,
            end.reason,
        )
        asyncio.get_running_loop().call_soon(playing.over, end)  # behind the return of start()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.result()  # a fault of the code must be seen


async def _first(timeout_s: float | None, *events: asyncio.Event) -> None:
    """Wait until one of the events happens, or for so long."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
