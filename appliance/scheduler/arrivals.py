"""What the taps tell: calls that arrive and leave, media, faults, workers that die and come back."""

from __future__ import annotations

import collections
import logging
from collections.abc import Mapping, Sequence
from typing import final

from appliance import clock
from appliance.bus.commands import StartCall, StopCall
from appliance.calls.call import Call
from appliance.calls.fields import TOLD_BY_LINES
from appliance.channels.channel import Arrival, Channel
from appliance.channels.states import ChannelState, Trigger
from appliance.recording.active import ActiveRecording
from appliance.recording.recorder import Orders, Recorder
from appliance.scheduler.service import Scheduler
from appliance.spool.records import Dropped
from appliance.units import SessionId
from drivers.contract import (
    AudioLost,
    CallAnswered,
    CallArrived,
    CallChanged,
    CallLeft,
    CallRefused,
    ConnectionRefused,
    LineFault,
    MediaStarted,
    Registered,
    SessionClosed,
    SessionOpened,
    TapEvent,
)

logger = logging.getLogger(__name__)


@final
class Arrivals:
    """Turns facts of the taps into calls and channel states.

    Parameters
    ----------
    starts_calls
        Names of the taps whose arriving calls are calls of their own (no CTI tells of them).
    linger_s
        How long a recording whose far end hung up waits for its CALLSTOP.
    """

    def __init__(
        self, scheduler: Scheduler, recorder: Recorder, orders: Orders, *, starts_calls: frozenset[str], linger_s: float
    ) -> None:
        self._scheduler = scheduler
        self._recorder = recorder
        self._orders = orders
        self._starts_calls = starts_calls
        self._linger_s = linger_s
        self._own_calls: dict[tuple[str, str], Call] = {}
        self.counters: collections.Counter[str] = collections.Counter()

    def fact(self, tap: str, fact: TapEvent) -> None:
        """Take a fact of a tap."""
        match fact:
            case CallArrived():
                self._arrived(self._channel(tap, fact), fact)
            case CallChanged():
                self._changed(self._channel(tap, fact), fact)
            case MediaStarted():
                self._media(self._channel(tap, fact), fact)
            case SessionOpened():
                self._reopened(self._channel(tap, fact), fact)
            case SessionClosed():
                self._closed(self._channel(tap, fact), fact)
            case CallAnswered():
                for active in self._on(self._channel(tap, fact)):
                    active.answered.set()
            case CallLeft():
                self._left(self._channel(tap, fact), fact)
            case _:
                self._note(tap, fact)

    def _note(self, tap: str, fact: TapEvent) -> None:
        """Count and log what changes no channel."""
        match fact:
            case CallRefused():
                self.counters["calls_refused"] += 1
                logger.warning("tap %s refused a call of %s: %d %s", tap, fact.device or "?", fact.code, fact.reason)
            case ConnectionRefused():
                logger.warning(
                    "tap %s: %d connections closed, %s the last: %s", tap, fact.count, fact.peer, fact.reason
                )
            case AudioLost():
                self.counters["frames_lost"] += fact.frames
            case LineFault():
                self.counters["faults"] += 1
                logger.warning("tap %s line %s: %s", tap, fact.line or "-", fact.text)
            case Registered():
                level = logging.INFO if fact.registered else logging.WARNING
                word = "is registered" if fact.registered else "is not registered"
                logger.log(level, "tap %s: %s %s: %d %s", tap, fact.account, word, fact.code, fact.reason)
            case _:
                raise TypeError(f"no tap tells {type(fact).__name__}")

    def _channel(self, tap: str, fact: TapEvent) -> Channel:
        return self._scheduler.pool.at(tap, fact.line)

    # --- calls that arrive ----------------------------------------------------------------------------------------

    def _arrived(self, channel: Channel, fact: CallArrived) -> None:
        device_id = fact.device or fact.dnis or fact.ani or f"{channel.tap}-{channel.line}"
        channel.arrival = Arrival(
            device_id=device_id,
            session=fact.session,
            arrived_at=clock.ago(clock.monotonic_s() - fact.arrived_mono_s),
            arrived_mono_s=fact.arrived_mono_s,
            reference=fact.reference,
            ani=fact.ani,
            dnis=fact.dnis,
        )
        channel.apply(Trigger.ARRIVED)
        told = _told({**fact.fields, "ani": fact.ani, "dnis": fact.dnis})
        self._scheduler.told_by_line(device_id, told)
        if channel.tap in self._starts_calls:
            taken = self._scheduler.calls.find(device_id, "")
            command = StartCall(device_id=device_id, call_instance=fact.reference if taken else "", fields=told)
            self._own_calls[channel.tap, channel.line] = self._scheduler.start_call(command)
        else:
            self._scheduler.record_waiting(device_id)

    def _changed(self, channel: Channel, fact: CallChanged) -> None:
        """Change the call that is the line's own; of another's call it is told as far as USECTICALLINFO asks."""
        told = _told(fact.fields)
        if channel.arrival is None or not told:
            return
        channel.arrival.ani = told.get("ani", channel.arrival.ani)
        channel.arrival.dnis = told.get("dnis", channel.arrival.dnis)
        self._scheduler.told_by_line(channel.arrival.device_id, told)
        call = self._own_calls.get((channel.tap, channel.line))
        if call and call.open:
            self._scheduler.change_call(call, told)

    def _media(self, channel: Channel, fact: MediaStarted) -> None:
        if channel.arrival and channel.arrival.session == fact.session:
            channel.arrival.media = True
        for active in self._on(channel):
            if active.session == fact.session or not active.session:
                active.media.set()

    def _reopened(self, channel: Channel, fact: SessionOpened) -> None:
        if channel.arrival:
            channel.arrival.session = fact.session
            channel.arrival.fresh = False

    def _left(self, channel: Channel, fact: CallLeft) -> None:
        arrival, channel.arrival = channel.arrival, None
        taken = self._on(channel)
        for active in taken:
            self._detach(active)
            if active.number and arrival is None:  # it may be over before the order to dial is answered
                active.left.set()
                self._recorder.stop(active, fact.reason)
            elif active.claimed:
                active.linger_until_mono_s = clock.monotonic_s() + self._linger_s
            else:
                active.again = True  # the call may get its media by another call of the PBX
                self._recorder.stop(active, f"the call left before its media came: {fact.reason}")
        if arrival and not any(a.session == arrival.session for a in taken if a.claimed):
            self._orders.append(SessionId(arrival.session), Dropped(reason="nobody asked for it"))
        if channel.state is ChannelState.OFF_HOOK:
            channel.apply(Trigger.LEFT)
        elif channel.state not in _AT_REST:
            channel.apply(Trigger.LEFT)
            channel.apply(Trigger.FREED)
        call = self._own_calls.pop((channel.tap, channel.line), None)
        if call and call.open:
            self._scheduler.stop_call(StopCall(device_id=call.device_id, call_instance=call.call_instance))

    def _closed(self, channel: Channel, fact: SessionClosed) -> None:
        """A session ended. Of a steady line that nobody stopped: the line gave up (end of file, unplugged)."""
        if channel.calls_arrive:
            return
        for active in self._on(channel):
            if active.session == fact.session and not active.stopping.is_set():
                self._detach(active)
                self._recorder.stop(active, fact.reason)
                channel.apply(Trigger.LEFT)
                channel.apply(Trigger.FREED)

    # --- lines that fail and come back ----------------------------------------------------------------------------

    def lines_down(self, tap: str, lines: Sequence[str], reason: str) -> None:
        """The worker of these lines is gone. Their recordings keep what they had."""
        self.counters["workers_lost"] += 1
        for line in lines:
            channel = self._scheduler.pool.at(tap, line)
            channel.arrival = None
            for active in self._on(channel):
                self._detach(active)
                active.again = active.dialled or not channel.calls_arrive
                self._recorder.stop(active, f"tap worker lost: {reason}", interrupted=True)
            channel.apply(Trigger.FAILED)
            call = self._own_calls.pop((tap, line), None)
            if call and call.open:
                self._scheduler.stop_call(StopCall(device_id=call.device_id, call_instance=call.call_instance))

    def lines_up(self, tap: str, lines: Sequence[str]) -> None:
        """The worker of these lines works (again); calls that it lost are recorded on."""
        for line in lines:
            channel = self._scheduler.pool.at(tap, line)
            if channel.state is ChannelState.ERROR:
                channel.apply(Trigger.RESET)
                channel.apply(Trigger.RECOVERED)
        self._scheduler.record_stranded()

    # --- recordings on a channel ----------------------------------------------------------------------------------

    def _on(self, channel: Channel) -> list[ActiveRecording]:
        return [a for a in self._scheduler.active if a.channel is channel and not a.detached and not a.queued]

    def _detach(self, active: ActiveRecording) -> None:
        active.detached = True
        active.channel.priority = -1


_AT_REST = frozenset({ChannelState.ERROR, ChannelState.IDLE, ChannelState.DIALING_FOR_PLAYBACK, ChannelState.PLAYBACK})
"""States that a call which left does not change: it was over already, or is none of a recording."""


def _told(fields: Mapping[str, str]) -> dict[str, str]:
    told = {name: value for name, value in fields.items() if value and name in TOLD_BY_LINES}
    if "call_direction" in told:  # Inbound, outgoing, ...: whatever the far side calls it
        way = told["call_direction"].strip().upper()[:1]
        told["call_direction"] = way if way in {"I", "O"} else "?"
    return told


def trunk_rules(options: Mapping[str, object]) -> frozenset[str]:
    """Give the names of the taps whose options say ``starts_calls``."""
    return frozenset(name for name, o in options.items() if getattr(o, "starts_calls", False))
