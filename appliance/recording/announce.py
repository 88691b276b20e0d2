"""Tell the recording events: one place that knows what they carry."""

from __future__ import annotations

from typing import final

from appliance import clock
from appliance.calls.call import Call
from appliance.events.bus import EventBus
from appliance.events.types import CallStarted, CallStopped, RecordingSaved, RecordingStarted, RecordingStopped
from appliance.recording.active import ActiveRecording, Terms
from appliance.recording.facts import Recording


@final
class Announcer:
    """Publishes events of one core. GLOBALCALLID stays empty in an event until the record exists, as sampled."""

    def __init__(self, events: EventBus, core_id: int) -> None:
        self._events = events
        self._core_id = core_id

    def call_started(self, call: Call, terms: Terms | None) -> None:
        """CALLSTART, with the days that the recording will be kept where one is to be."""
        self._events.publish(
            CallStarted(
                happened_at=call.started_at,
                core_id=self._core_id,
                device_id=call.device_id,
                global_call_id="",
                keep_days=kept_days(call, terms),
                archive_action=call.archive_action,
                call_instance=call.call_instance,
                fields=call.fields,
                is_trunk=call.is_trunk,
            )
        )

    def call_stopped(self, call: Call) -> None:
        """CALLSTOP."""
        self._events.publish(
            CallStopped(
                happened_at=call.stopped_at or clock.now(),
                core_id=self._core_id,
                device_id=call.device_id,
                global_call_id="",
                keep_days=call.keep_days,
                archive_action=call.archive_action,
                call_instance=call.call_instance,
                fields=call.fields,
            )
        )

    def recording_started(self, call: Call, terms: Terms, channel: int, error_reason: str = "NONE") -> None:
        """RECORDINGSTARTED; with an ``error_reason`` it says why there is none (``channel`` -1: none was taken)."""
        self._events.publish(
            RecordingStarted(
                happened_at=clock.now(),
                core_id=self._core_id,
                device_id=call.device_id,
                global_call_id="",
                keep_days=kept_days(call, terms),
                archive_action=archive_action(call, terms),
                call_instance=call.call_instance,
                fields=call.fields,
                filename=call.filename if error_reason == "NONE" else "",
                channel=channel,
                error_reason=error_reason,
            )
        )

    def recording_stopped(self, active: ActiveRecording) -> None:
        """RECORDINGSTOPPED."""
        call = active.call
        self._events.publish(
            RecordingStopped(
                happened_at=clock.now(),
                core_id=self._core_id,
                device_id=call.device_id,
                global_call_id=call.global_call_id,
                keep_days=kept_days(call, active.terms),
                archive_action=archive_action(call, active.terms),
                call_instance=call.call_instance,
                fields=call.fields,
                record_id=active.record_id,
            )
        )

    def recording_saved(self, recording: Recording) -> None:
        """RECORDINGUPDATE: the file is whole and the row is in the database."""
        self._events.publish(
            RecordingSaved(
                happened_at=clock.now(),
                core_id=recording.core_id,
                device_id=recording.device_id,
                global_call_id=recording.global_call_id,
                keep_days=recording.keep_days,
                archive_action=recording.archive_action,
                call_instance=recording.call_instance,
                fields=recording.fields,
                filename=recording.filename,
                record_id=recording.record_id,
            )
        )


def kept_days(call: Call, terms: Terms | None) -> int:
    """Days to keep the recording: the call's own if one was told, else the schedule's, -1 without either."""
    return call.keep_days if call.keep_days >= 0 or terms is None else terms.keep_days


def archive_action(call: Call, terms: Terms | None) -> int:
    """First archive action, likewise."""
    return call.archive_action if call.archive_action >= 0 or terms is None else terms.archive_action
