"""Recordings that a client orders: STARTRECORDING, STARTRECORDINGAUTO and STOPRECORDING."""

from __future__ import annotations

import asyncio
from typing import final

from appliance.bus.commands import StartCall
from appliance.bus.control import StartRecording, StopRecording
from appliance.calls.call import Call
from appliance.errors import (
    AlreadyRecordingError,
    DeviceNotInCallError,
    NoFreeChannelError,
    NotRecordingError,
    RecorderNotRunningError,
    RecordingFilteredError,
    RequestError,
    ScheduleUnmatchedError,
)
from appliance.recording.active import ActiveRecording, Terms
from appliance.scheduler.service import Scheduler, terms_of

ANSWER_S = 10.0
"""How long an order waits to hear whether its recording began."""
_PRIORITY = 50
_KEEP_DAYS = 30


@final
class OnOrder:
    """Begins and ends recordings at a client's word. Belongs to the core's event loop."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    async def start(self, command: StartRecording) -> bool:
        """Begin a recording of the device's call; returns when it began, or waits for the call's media.

        Without a call one is opened that nobody is told of. Raises AlreadyRecordingError, DeviceNotInCallError,
        RecordingFilteredError, ScheduleUnmatchedError, NoFreeChannelError, DiskFullError, RecorderNotRunningError.
        """
        scheduler = self._scheduler
        told = command.fields
        if command.use_cti_call_info:
            told = scheduler.filled(command.device_id, told)
        call = scheduler.calls.find(command.device_id, command.call_instance)
        if call is not None:
            if scheduler.is_recorded(call):
                raise AlreadyRecordingError
            scheduler.change_call(call, told)
            await self._record(call, automatic=command.automatic)
            return True
        if command.automatic:
            raise DeviceNotInCallError
        opening = StartCall(device_id=command.device_id, call_instance=command.call_instance or "", fields=told)
        call = scheduler.open_call(opening, told, announced=False)
        try:
            await self._record(call, automatic=False)
        except RequestError as error:
            if call.open:
                scheduler.end_call(call, error.detail, told=False)
            raise
        return True

    def stop(self, command: StopRecording) -> bool:
        """End the recording of the device's call; a call that only its recording was opened for ends with it.

        Raises NotRecordingError.
        """
        call = self._scheduler.calls.find(command.device_id, command.call_instance)
        if call is None or not self._scheduler.stop_recording(call, "STOPRECORDING"):
            raise NotRecordingError
        if not call.announced:
            self._scheduler.end_call(call, "STOPRECORDING", told=False)
        return True

    async def _record(self, call: Call, *, automatic: bool) -> None:
        if self._scheduler.is_filtered(call):
            raise RecordingFilteredError
        active = self._scheduler.record(call, self._terms(call, automatic=automatic))
        if active is not None:
            await self._begun(active)
        elif not self._scheduler.is_recorded(call):  # it does not wait for its media either
            raise NoFreeChannelError

    def _terms(self, call: Call, *, automatic: bool) -> Terms:
        """Those of a schedule; a forced recording has terms of its own where no schedule is made for it."""
        decision = self._scheduler.decide(call, asked=True, forced=not automatic)
        if decision.schedule:
            return terms_of(call, decision.schedule)
        if automatic:
            raise ScheduleUnmatchedError(decision.reason)
        return Terms(
            schedule="",
            recording_type="On-Demand" if call.fields.agent_initiated else "API Initiated",
            priority=_PRIORITY if call.fields.priority is None else call.fields.priority,
            keep_days=_KEEP_DAYS,
            archive_action=-1,
        )

    async def _begun(self, active: ActiveRecording) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                await active.settled.wait()
        except TimeoutError:
            raise RecorderNotRunningError("the line does not answer; the recording is tried on") from None
        if active.fault:
            raise active.fault
        if active.stopping.is_set() and not active.claimed:
            raise RecorderNotRunningError(active.stop_reason)
