"""The service around ``decide``: calls come in, recordings go out.

Commands come from the messages (through the bus), facts from the taps (:mod:`appliance.scheduler.arrivals`), the
time from :meth:`Scheduler.tick`. All of it runs on the core's event loop and never waits: what takes time is a
recording's own task.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import random
from collections.abc import Callable
from typing import Any, Protocol, final

from appliance import clock
from appliance.bus.commands import Command, StartCall, StopCall, UpdateCall
from appliance.bus.control import BeginBlackout, EndBlackout
from appliance.calls.call import Call
from appliance.calls.devices import DeviceTable
from appliance.calls.fields import CallFields
from appliance.calls.table import CallTable
from appliance.channels.pool import ChannelPool, Wanted
from appliance.recording.active import ActiveRecording, Terms
from appliance.recording.announce import Announcer
from appliance.recording.recorder import NO_MEDIA, Recorder
from appliance.scheduler.blackouts import BlackoutRules, Blackouts
from appliance.scheduler.decide import (
    ASKED_FOR,
    WORDS,
    Circumstances,
    Decision,
    Pattern,
    Schedule,
    agent_of,
    decide,
    is_filtered,
)
from appliance.scheduler.tallies import Tallies
from appliance.units import GlobalCallId

logger = logging.getLogger(__name__)

CTI_MEMORY_S = 30.0
"""How long USECTICALLINFO may look back."""


class CallLog(Protocol):
    """Keeps every call with its outcome, so that calls can be reconciled with recordings."""

    def note(self, call: Call) -> None:
        """Write the call down as it is now; never waits, never raises."""
        ...


@final
@dataclasses.dataclass(slots=True, eq=False)
class Waiting:
    """A call that is to be recorded as soon as its media arrives on a trunk, or its line works again."""

    call: Call
    terms: Terms
    since_mono_s: float
    overdue: bool = False


@final
@dataclasses.dataclass(frozen=True, slots=True)
class SchedulerRules:
    """What the scheduler goes by; see ``[recording]``. ``schedules`` are those of the settings file, in its order."""

    core_id: int
    schedules: tuple[Schedule, ...]
    media_wait_s: float
    blackouts: BlackoutRules = dataclasses.field(default_factory=BlackoutRules)
    filters: tuple[Pattern, ...] = ()


@final
class Scheduler:
    """Decides which calls are recorded, chooses their channels and makes recordings begin and end."""

    def __init__(
        self,
        recorder: Recorder,
        announcer: Announcer,
        call_log: CallLog,
        *,
        pool: ChannelPool,
        devices: DeviceTable,
        rules: SchedulerRules,
        next_global_call_id: Callable[[], GlobalCallId],
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.calls = CallTable()
        self.pool = pool
        self.active: list[ActiveRecording] = []
        self.waiting: list[Waiting] = []
        self.closing = False
        self.blackouts = Blackouts(self.calls, devices, self.active, recorder, rules.blackouts)
        self._devices = devices
        self._recorder = recorder
        self._announcer = announcer
        self._call_log = call_log
        self._rules = rules
        self._next_global_call_id = next_global_call_id
        self._draw = draw
        self.schedules: tuple[Schedule, ...] = rules.schedules
        self.tallies = Tallies()
        self._cti: dict[str, tuple[float, dict[str, Any]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # --- commands -------------------------------------------------------------------------------------------------

    async def handle(self, command: Command) -> bool:
        """Do a command; True if there was (or now is) an open call for it. Raises TypeError for an unknown one.

        A command that is refused raises its RequestError.
        """
        match command:
            case StartCall():
                self.start_call(command)
                return True
            case StopCall():
                return self.stop_call(command)
            case UpdateCall():
                return self.update_call(command)
            case BeginBlackout():
                return self.blackouts.begin(command)
            case EndBlackout():
                return self.blackouts.end(command)
            case _:
                raise TypeError(f"the scheduler knows no {type(command).__name__}")

    def start_call(self, command: StartCall, *, is_trunk: bool = False) -> Call:
        """Open a call, tell it, decide on it, and begin its recording. A call still open under its name ends."""
        previous = self.calls.find(command.device_id, command.call_instance)
        if previous:
            self.end_call(previous, "a new call began on the device", told=previous.announced)
        told = self.filled(command.device_id, command.fields) if command.use_cti_call_info else command.fields
        call = self.open_call(command, told, is_trunk=is_trunk)
        self._remember(command.device_id, command.fields)
        decision = self.decide(call)
        terms = terms_of(call, decision.schedule) if decision.schedule else None
        call.outcome, call.reason = ("", "") if terms else ("not scheduled", decision.reason)
        self._announcer.call_started(call, terms)
        self._call_log.note(call)
        if terms:
            self.record(call, terms)
        return call

    def decide(self, call: Call, *, asked: bool = False, forced: bool = False) -> Decision:
        """Decide on a call as it is now, and count it.

        ``asked``: a client asks for its recording; ``forced``: only for the terms, so that only those kinds of
        schedule count that are made for it.
        """
        now = clock.local(clock.now())
        beside = Circumstances(asked=asked, filters=self._rules.filters, tally=self.tallies.of(now.date()))
        schedules = [s for s in self.schedules if not forced or s.kind in ASKED_FOR]
        decision = decide(call.device_id, call.fields, schedules, now, 0.0 if forced else self._draw(), beside)
        self.tallies.count(decision, agent_of(call.device_id, call.fields))
        return decision

    def is_filtered(self, call: Call) -> bool:
        """Whether a recording filter forbids to record the call."""
        return is_filtered(call.device_id, call.fields, self._rules.filters)

    def stop_call(self, command: StopCall) -> bool:
        """End a call and its recording; False without an open one."""
        call = self.calls.find(command.device_id, command.call_instance)
        if call:
            self.end_call(call, "call stopped")
        return call is not None

    def update_call(self, command: UpdateCall) -> bool:
        """Change an open call's fields, in its recording too; False without an open one."""
        call = self.calls.find(command.device_id, command.call_instance)
        if call is None:
            return False
        self.change_call(call, command.fields)
        return True

    def change_call(self, call: Call, fields: dict[str, Any]) -> None:
        """Change a call's fields, in its recording too."""
        self._tell(call, fields)
        self.blackouts.opened(call)
        for active in self.active:
            if active.call is call:
                self._recorder.update(active)
        self._call_log.note(call)

    def told_by_line(self, device_id: str, fields: dict[str, Any]) -> None:
        """Remember what a trunk told of a device, for USECTICALLINFO."""
        self._remember(device_id, fields)

    def filled(self, device_id: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Add what was told of the device lately to what is not passed (USECTICALLINFO)."""
        return {**self._recently_told(device_id), **fields}

    def open_call(
        self, command: StartCall, told: dict[str, Any], *, is_trunk: bool = False, announced: bool = True
    ) -> Call:
        """Open a call without deciding on it or telling of it."""
        known = self._devices.known(command.device_id)
        base = CallFields()
        if known:  # what the device is does not change with each call
            base = CallFields(
                device_alias=known.device_alias,
                station=known.station,
                sys_user=known.sys_user,
                crm_user=known.crm_user,
            )
        call = Call(
            device_id=command.device_id,
            call_instance=command.call_instance,
            fields=base,
            core_id=self._rules.core_id,
            global_call_id=self._next_global_call_id(),
            started_at=clock.now(),
            started_mono_s=clock.monotonic_s(),
            is_trunk=is_trunk,
            announced=announced,
        )
        self._tell(call, told)
        self.calls.add(call)
        self.blackouts.opened(call)
        return call

    def _tell(self, call: Call, fields: dict[str, Any]) -> None:
        call.fields = call.fields.changed(fields)
        if "agent_id" not in fields and ("device_alias" in fields or not call.fields.agent_id):
            agent_id = self._devices.agent_of(call.fields.device_alias, call.device_id)
            call.fields = call.fields.changed({"agent_id": agent_id})
        call.keep_days, call.archive_action = call.fields.keep_days, call.fields.archive_action
        self._devices.learn(call.device_id, call.fields)

    def end_call(self, call: Call, reason: str, *, told: bool = True) -> None:
        """End a call and its recording; CALLSTOP is told unless ``told`` is False."""
        call.stopped_at = clock.now()
        self.calls.ended(call)
        if told:
            self._announcer.call_stopped(call)
        for waiting in [w for w in self.waiting if w.call is call]:
            self.waiting.remove(waiting)
            if not call.filename:
                call.outcome, call.reason = "no media", "the call ended before its media came"
        for active in self.active:
            if active.call is call:
                self._recorder.stop(active, reason)
        self._call_log.note(call)

    def _remember(self, device_id: str, fields: dict[str, Any]) -> None:
        now_s = clock.monotonic_s()
        self._cti = {k: v for k, v in self._cti.items() if now_s - v[0] <= CTI_MEMORY_S}
        self._cti[device_id] = (now_s, {**self._recently_told(device_id), **fields})

    def _recently_told(self, device_id: str) -> dict[str, Any]:
        told_s, fields = self._cti.get(device_id, (0.0, {}))
        if clock.monotonic_s() - told_s > CTI_MEMORY_S:
            return {}
        return {k: v for k, v in fields.items() if k in _CTI_FIELDS}

    # --- recordings -----------------------------------------------------------------------------------------------

    def record(self, call: Call, terms: Terms, waited: Waiting | None = None) -> ActiveRecording | None:
        """Choose a channel for the call and begin; wait for its media, or tell that none is free: then None.

        ``waited`` is the place in the queue of a call that waits already, which it then keeps.
        """
        number = call.fields.dial_to_monitor
        wanted = Wanted(call.device_id, call.fields.agent_id, terms.priority, dials=bool(number))
        choice = self.pool.choose(wanted)
        if choice.channel is None and (choice.wait or waited):
            self.waiting.append(waited or Waiting(call, terms, clock.monotonic_s()))
            return None
        if choice.channel is None:
            self._not_taken(call, terms)
            call.outcome, call.reason = "no channel", "no channel is free"
            self._announcer.recording_started(call, terms, -1, "API_ERROR_NO_FREE_CHANNELS")
            return None
        active = ActiveRecording(call, choice.channel, terms, number=number if choice.channel.dials else "")
        before = None
        if choice.busy or choice.preempt:
            before = next(a for a in self.active if a.channel is choice.channel and not (a.detached or a.queued))
            choice.channel.promised = active.queued = True
            if choice.preempt:
                self._recorder.stop(before, f"its channel was taken by a call of priority {terms.priority}")
        else:
            self._recorder.take(active)
        self._run(active, before)
        return active

    def stop_recording(self, call: Call, reason: str) -> bool:
        """End what is recorded of a call, or waits to be, while the call goes on; False if there is nothing."""
        waiting = [w for w in self.waiting if w.call is call]
        for one in waiting:
            self.waiting.remove(one)
            call.outcome, call.reason = "not recorded", reason
        going_on = [a for a in self.active if a.call is call and not a.stopping.is_set()]
        for active in going_on:
            active.again = False
            self._recorder.stop(active, reason)
        self._call_log.note(call)
        return bool(waiting or going_on)

    def is_recorded(self, call: Call) -> bool:
        """Whether the call is recorded, or will be as soon as its media comes."""
        going_on = any(a.call is call and not a.stopping.is_set() for a in self.active)
        return going_on or any(w.call is call for w in self.waiting)

    def _run(self, active: ActiveRecording, before: ActiveRecording | None) -> None:
        self.active.append(active)
        task = asyncio.create_task(self._recorder.run(active, before), name=f"recording on {active.channel!r}")
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ran(active, done))

    def _ran(self, active: ActiveRecording, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.active.remove(active)
        if not task.cancelled():
            task.result()  # run() lets nothing through but a fault of its own, which must be seen
        call = active.call
        if not active.claimed or call.outcome == "not kept":
            self._not_taken(call, active.terms)
        self._call_log.note(call)
        if call.open and not self.closing and (active.again or active.elsewhere):
            waited = Waiting(call, active.terms, clock.monotonic_s(), overdue=active.claimed)
            self.record(call, active.terms, None if active.elsewhere else waited)

    def _not_taken(self, call: Call, terms: Terms) -> None:
        """The schedule's recording came to nothing: another call may take its place in the tally."""
        self.tallies.give_back(terms.schedule, agent_of(call.device_id, call.fields))

    def record_waiting(self, device_id: str) -> None:
        """Begin what waited for this device's media (the earliest call first)."""
        for waiting in [w for w in self.waiting if w.call.device_id == device_id]:
            self.waiting.remove(waiting)
            self.record(waiting.call, waiting.terms, waiting)

    def record_stranded(self) -> None:
        """Lines work again: begin what waits and is served by them now."""
        for waiting in list(self.waiting):
            self.waiting.remove(waiting)
            self.record(waiting.call, waiting.terms, waiting)

    # --- time -----------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Do what is due; called a few times a second."""
        self.blackouts.tick()
        now_s = clock.monotonic_s()
        for active in self.active:
            limit_s = active.max_record_time_s
            if active.claimed and limit_s and now_s - active.began_mono_s >= limit_s:
                self._recorder.stop(active, f"MAXRECORDTIME of {limit_s} s is reached")
            if active.linger_until_mono_s is not None and now_s >= active.linger_until_mono_s:
                active.again = True  # the PBX may send its media anew
                self._recorder.stop(active, "the far end hung up")
        for waiting in self.waiting:
            if not waiting.overdue and now_s - waiting.since_mono_s >= self._rules.media_wait_s:
                waiting.overdue = True
                reason = f"no media came within {self._rules.media_wait_s:g} s"
                waiting.call.outcome, waiting.call.reason = "no media", reason
                self._announcer.recording_started(waiting.call, waiting.terms, -1, NO_MEDIA)
                self._call_log.note(waiting.call)

    def silent(self, session: str, seconds: float) -> None:
        """A session has been silent for so long; MAXRECORDSILENCE may end its recording."""
        for active in self.active:
            limit_s = active.max_record_silence_s
            if active.session == session and limit_s and seconds >= limit_s:
                self._recorder.stop(active, f"MAXRECORDSILENCE of {limit_s} s is reached")

    # --- end ------------------------------------------------------------------------------------------------------

    async def close(self, reason: str) -> None:
        """End every recording in good order and wait until the lines are free."""
        self.closing = True
        self.waiting.clear()
        for active in list(self.active):
            self._recorder.stop(active, reason)
        if self._tasks:
            await asyncio.wait(self._tasks)


_CTI_FIELDS = frozenset({"group", "gate", "ani", "dnis", "call_direction", *(f"user{n}" for n in range(1, 16))})


def terms_of(call: Call, schedule: Schedule) -> Terms:
    """Give the terms on which the schedule records the call; what becomes of the schedule later leaves them."""
    return Terms(
        schedule=schedule.name,
        recording_type=WORDS[schedule.kind],
        priority=call.fields.priority if call.fields.priority is not None else schedule.priority,
        keep_days=schedule.keep_days,
        archive_action=schedule.archive_action,
        max_record_time_s=schedule.max_record_time_s,
        max_record_silence_s=schedule.max_record_silence_s,
        min_record_time_s=schedule.min_record_time_s,
    )
