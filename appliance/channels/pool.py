"""Who may use which channel: fixed to a device or agent, free for any, reserved for playback; by priority."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Iterator, Sequence
from typing import final

from appliance.channels.channel import Channel
from appliance.channels.states import ChannelState


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What a call needs: a channel for this device (and agent), at this priority; ``dials``: one that can call."""

    device_id: str
    agent_id: str = ""
    priority: int = 50
    dials: bool = False


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """The pool's answer.

    ``channel`` is the one to take; ``busy`` says that its recording, which ends just now, has to be awaited;
    ``preempt`` that its recording of a lower priority has to be ended first. ``wait`` says that no line is needed
    before the call's media arrives on a trunk. All empty: none is free.
    """

    channel: Channel | None = None
    busy: bool = False
    preempt: bool = False
    wait: bool = False


def _serves(channel: Channel, device_id: str) -> bool:
    return any(fnmatch.fnmatchcase(device_id, pattern) for pattern in channel.devices)


def choose(channels: Sequence[Channel], wanted: Wanted) -> Choice:
    """Choose a channel; pure.

    In this order: the call of that device that is up on a trunk; a line fixed to the device, then to its agent; a
    free line for any; a trunk that serves the device (wait for its call); the lowest lower-priority recording.
    Where the call is to be dialled and there are lines that can, it is those alone.
    """
    if wanted.dials and any(c.dials for c in channels):
        return _choose_to_dial([c for c in channels if c.dials and not c.promised and not c.arrival], wanted)
    up = [c for c in channels if c.arrival and c.arrival.device_id == wanted.device_id and not c.promised]
    for state in (ChannelState.OFF_HOOK, ChannelState.FINISHING):
        first = min((c for c in up if c.state is state), key=_arrived_mono_s, default=None)
        if first:
            return Choice(first, busy=state is ChannelState.FINISHING)
    steady = [c for c in channels if not c.calls_arrive and not c.promised]
    for mine in (_fixed(steady, "device", wanted.device_id), _fixed(steady, "agent", wanted.agent_id)):
        if mine:
            return _free_or_preempt(mine, wanted.priority)
    anyone = [c for c in steady if c.assignment.use == "any" and _serves(c, wanted.device_id)]
    choice = _free_or_preempt(anyone, -1)
    if choice.channel:
        return choice
    if any(c.calls_arrive and _serves(c, wanted.device_id) for c in channels):
        return Choice(wait=True)
    return _free_or_preempt(anyone, wanted.priority)


def _choose_to_dial(channels: Sequence[Channel], wanted: Wanted) -> Choice:
    channels = sorted(channels, key=_calls_come_last)
    for mine in (_fixed(channels, "device", wanted.device_id), _fixed(channels, "agent", wanted.agent_id)):
        if mine:
            return _free_or_preempt(mine, wanted.priority)
    anyone = [c for c in channels if c.assignment.use == "any" and _serves(c, wanted.device_id)]
    return _free_or_preempt(anyone, wanted.priority)


def _arrived_mono_s(channel: Channel) -> float:
    return channel.arrival.arrived_mono_s if channel.arrival else 0.0


def _calls_come_last(channel: Channel) -> int:
    """Order in which lines are taken to call: of those that calls arrive on the last, since these take the first."""
    return -channel.number if channel.calls_arrive else channel.number


def _fixed(channels: Sequence[Channel], use: str, whom: str) -> list[Channel]:
    return [c for c in channels if whom and c.assignment.use == use and c.assignment.whom == whom]


def _free_or_preempt(channels: Sequence[Channel], priority: int) -> Choice:
    for channel in channels:
        if channel.state is ChannelState.IDLE:
            return Choice(channel)
    for channel in channels:
        if channel.state is ChannelState.FINISHING:
            return Choice(channel, busy=True)
    lower = [c for c in channels if c.state is ChannelState.RECORDING and c.priority < priority]
    if lower:
        return Choice(min(lower, key=lambda c: (c.priority, c.number)), preempt=True)
    return Choice()


@final
class ChannelPool:
    """All channels of the box, by number and by tap and line."""

    def __init__(self) -> None:
        self._channels: list[Channel] = []
        self._by_line: dict[tuple[str, str], Channel] = {}

    def add(self, tap: str, line: str, *, calls_arrive: bool, devices: Sequence[str]) -> Channel:
        """Add the next channel; numbers count in the order of adding."""
        channel = Channel(len(self._channels), tap, line, calls_arrive=calls_arrive, devices=tuple(devices))
        self._channels.append(channel)
        self._by_line[tap, line] = channel
        return channel

    def at(self, tap: str, line: str) -> Channel:
        """Give the channel of a line. Raises KeyError."""
        return self._by_line[tap, line]

    def choose(self, wanted: Wanted) -> Choice:
        """Choose among all channels."""
        return choose(self._channels, wanted)

    def choose_for_playback(self, *, joins: bool = False) -> Channel | None:
        """Give an idle line that can play to a phone: one reserved for that first, then a free one for any.

        With ``joins`` it is one that can find the call at a phone by itself.
        """
        idle = [c for c in self._channels if c.speaks and c.state is ChannelState.IDLE and not c.promised]
        idle = [c for c in idle if c.joins or not joins]
        idle.sort(key=_calls_come_last)
        for use in ("playback", "any"):
            found = next((c for c in idle if c.assignment.use == use), None)
            if found:
                return found
        return None

    def __iter__(self) -> Iterator[Channel]:
        return iter(self._channels)

    def __len__(self) -> int:
        return len(self._channels)
