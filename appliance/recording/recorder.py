"""The doing of a recording: takes a line, claims its audio, tells the events, and lets the line go again.

Every recording is one task that goes through :meth:`Recorder.run` from top to bottom. It orders; the audio itself
goes from the tap worker through the spool to the writer without passing here.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, final

from appliance import clock
from appliance.calls.blackout import Blackout
from appliance.channels.states import ChannelState, Trigger
from appliance.errors import RecorderNotRunningError, RequestError
from appliance.recording.active import ActiveRecording
from appliance.recording.announce import Announcer, archive_action, kept_days
from appliance.spool.records import BlackoutBegan, BlackoutEnded, Claimed, Dropped, FieldsChanged, OrderRecord, Stopped
from appliance.units import RecordId, SessionId
from drivers.contract import LineBusyError, TapError, TapFailedError

logger = logging.getLogger(__name__)

REFUSAL_S = 3.0
"""How long an order waits to hear whether the number that is dialled refuses the call."""
FREE_S = 5.0
"""How long a line may take to become free."""
FIRST_RETRY_S, LONGEST_RETRY_S = 0.2, 2.0
"""After what time a line that was busy is tried again at first, and at last."""
NO_MEDIA = "NO_MEDIA"
"""ERRORREASON of a call whose media did not come in time."""


class Lines(Protocol):
    """The lines of all taps, through their supervisors. Each verb raises a TapError."""

    async def start_line(self, tap: str, line: str, session: str) -> None:
        """Begin to capture the line into the session."""
        ...

    async def stop_line(self, tap: str, line: str) -> None:
        """End the session on the line."""
        ...

    async def dial(self, tap: str, line: str, phone: str, barge_code: str) -> None:
        """Call a number from the line."""
        ...

    async def hang_up(self, tap: str, line: str, reason: str) -> None:
        """End the call on the line."""
        ...


class Orders(Protocol):
    """Where orders to the writer go: the sessions' files in the spool (memory, so never a wait)."""

    def new_session(self, tap: str, line: str) -> SessionId:
        """Make a name for a session to come."""
        ...

    def append(self, session: SessionId, record: OrderRecord) -> None:
        """Write an order down and make the writer look at it.

        Raises TapFailedError if a claim, or the begin of a blackout, cannot be written.
        """
        ...


@final
@dataclasses.dataclass(frozen=True, slots=True)
class RecorderRules:
    """Settings that the recorder goes by; see ``[recording]``. Times in seconds."""

    core_id: int
    encoding: str
    claim_back_s: float
    media_wait_s: float
    dial_retry_s: float = 5.0


@final
class Recorder:
    """Carries recordings out. One for the core; every method belongs to the core's event loop.

    Parameters
    ----------
    reserve
        Gives the final path for a name (alias or device); raises DiskFullError or another RequestError. Run in a
        thread, since it touches the disk.
    next_record_id
        Gives a RECORDID that was never used.
    ended
        Told of a recording just before its RECORDINGSTOPPED.
    """

    def __init__(
        self,
        lines: Lines,
        orders: Orders,
        announcer: Announcer,
        *,
        rules: RecorderRules,
        reserve: Callable[[str], Path],
        next_record_id: Callable[[], RecordId],
        ended: Callable[[ActiveRecording], None],
    ) -> None:
        self._lines = lines
        self._orders = orders
        self._announcer = announcer
        self._rules = rules
        self._reserve = reserve
        self._next_record_id = next_record_id
        self._ended = ended

    async def run(self, active: ActiveRecording, before: ActiveRecording | None) -> None:
        """Carry one recording through; ``before`` is the one that ends on the channel just now."""
        try:
            if before is not None:
                await before.freed.wait()
                if not self._follow(active):
                    return
            begun = await self._begin(active)
            active.settled.set()
            if begun:
                await active.stopping.wait()
            await self._finish(active)
        except Exception as error:  # supervision of taps: the channel goes to Error and is opened again
            logger.exception("recording on %r failed", active.channel)
            self._failed(active, "API_ERROR_UNKNOWN", str(error))
        finally:
            active.call.is_recording = False
            active.settled.set()
            active.freed.set()

    def take(self, active: ActiveRecording) -> None:
        """Take the channel: from now on nobody else chooses it."""
        active.channel.apply(Trigger.PREPARED)

    def _follow(self, active: ActiveRecording) -> bool:
        """Take the channel from the recording before; False if the line failed meanwhile."""
        active.queued = active.channel.promised = False
        if active.channel.state not in {ChannelState.IDLE, ChannelState.OFF_HOOK}:
            active.again = True
            return False
        self.take(active)
        return True

    # --- begin ----------------------------------------------------------------------------------------------------

    async def _begin(self, active: ActiveRecording) -> bool:
        """Get audio on the line and claim it; False if that came to nothing."""
        channel, call = active.channel, active.call
        channel.priority = active.terms.priority
        channel.device_id, channel.device_alias = call.device_id, call.fields.device_alias
        try:
            active.path = await asyncio.to_thread(self._reserve, call.fields.device_alias or call.device_id)
            if active.stopping.is_set() or active.detached:
                call.outcome, call.reason = "not recorded", active.stop_reason or "ended before it began"
                return False
            active.record_id = self._next_record_id()
            began = await self._get_audio(active)
        except RequestError as error:
            active.fault = error
            self._failed(active, error.code.label, error.detail, channel_works=True)
            return False
        except TapError as error:
            active.fault = RecorderNotRunningError(f"{type(error).__name__}: {error}")
            self._failed(active, "API_ERROR_RECORDER_NOT_RUNNING", f"{type(error).__name__}: {error}")
            return False
        if began:
            self._tell_started(active)
        return began

    async def _get_audio(self, active: ActiveRecording) -> bool:
        if active.number:
            return await self._observe(active)
        return await (self._claim_arrival(active) if active.channel.calls_arrive else self._capture(active))

    def _tell_started(self, active: ActiveRecording) -> None:
        call = active.call
        call.filename, call.is_recording, call.record_id = str(active.path), True, active.record_id
        call.outcome, call.reason = "recorded", f"schedule {active.terms.schedule}"
        self._announcer.recording_started(call, active.terms, active.channel.number)

    async def _capture(self, active: ActiveRecording) -> bool:
        """Start a line that carries audio all the time."""
        session = self._orders.new_session(active.channel.tap, active.channel.line)
        active.session = session
        from_mono_s = clock.monotonic_s()
        await self._lines.start_line(active.channel.tap, active.channel.line, session)
        self._claim(active, from_mono_s)
        if not active.detached:  # else the worker died between the order and now
            active.channel.apply(Trigger.CAPTURED)
        return True

    async def _observe(self, active: ActiveRecording) -> bool:
        """Dial to monitor: call the number, and record what is heard; from before the answer, if it is answered."""
        channel = active.channel
        dialled_mono_s = clock.monotonic_s()
        if not await self._dial(active):
            return False
        if active.stopping.is_set():
            return self._not_answered(active)
        session = self._orders.new_session(channel.tap, channel.line)
        active.session = session
        try:
            await self._lines.start_line(channel.tap, channel.line, session)
        except TapError as error:
            await self._hang_up(active)
            raise RecorderNotRunningError(f"{type(error).__name__}: {error}") from error
        if active.left.is_set():  # the line was idle when it was told to capture
            await self._stop_line(active)
        if not await self._answered_or_end(active):
            return self._not_answered(active)
        self._claim(active, dialled_mono_s if active.media.is_set() else clock.monotonic_s())
        if not active.detached:
            channel.apply(Trigger.CAPTURED)
        return True

    async def _dial(self, active: ActiveRecording) -> bool:
        """Call the number; False where a call came in on the line meanwhile: then another line shall do it.

        A line that is not free yet is tried again for ``dial_retry_s``. Raises RecorderNotRunningError; the line works
        on, unless its tap failed.
        """
        wait_s, until_s = FIRST_RETRY_S, clock.monotonic_s() + self._rules.dial_retry_s
        while not active.stopping.is_set():
            try:
                await self._lines.dial(active.channel.tap, active.channel.line, active.number, "")
            except TapFailedError:
                raise
            except LineBusyError as error:
                if active.channel.arrival is not None:
                    active.elsewhere = True
                    return False
                if clock.monotonic_s() + wait_s > until_s:
                    raise RecorderNotRunningError(f"LineBusyError: {error}") from error
            except TapError as error:
                raise RecorderNotRunningError(f"{type(error).__name__}: {error}") from error
            else:
                active.dialled = True
                return True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(active.stopping.wait(), wait_s)
            wait_s = min(2 * wait_s, LONGEST_RETRY_S)
        return True

    async def _answered_or_end(self, active: ActiveRecording) -> bool:
        waits = [asyncio.ensure_future(e.wait()) for e in (active.answered, active.stopping)]
        try:
            done, _ = await asyncio.wait(waits, timeout=REFUSAL_S, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                active.settled.set()  # it rings: nobody has to wait for that
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return active.answered.is_set() and not active.stopping.is_set()

    def _not_answered(self, active: ActiveRecording) -> bool:
        call, reason = active.call, active.stop_reason
        call.outcome, call.reason = "not recorded", reason
        if active.left.is_set():  # the far end's doing, not ours
            call.outcome, call.reason = "failed", f"{active.number}: {reason}"
            active.fault = RecorderNotRunningError(call.reason)
            logger.warning("device %s is not recorded: %s", call.device_id, call.reason)
            self._announcer.recording_started(call, active.terms, active.channel.number, active.fault.code.label)
        return False

    async def _claim_arrival(self, active: ActiveRecording) -> bool:
        """Claim the call that is up on a trunk's line, once its media comes."""
        arrival = active.channel.arrival
        if arrival is None:
            return self._without_media(active)
        active.session = SessionId(arrival.session)
        if arrival.media:
            active.media.set()
        if not active.media.is_set():
            active.channel.apply(Trigger.EXPECTED)
            active.settled.set()
            if not await self._media_or_end(active):
                return self._without_media(active)
        back_mono_s = arrival.arrived_mono_s if arrival.fresh else active.call.started_mono_s
        if clock.monotonic_s() - back_mono_s > self._rules.claim_back_s:
            back_mono_s = max(back_mono_s, active.call.started_mono_s)
        arrival.fresh = False
        self._claim(active, back_mono_s)
        if not active.detached:
            active.channel.apply(Trigger.CAPTURED)
        return True

    async def _media_or_end(self, active: ActiveRecording) -> bool:
        """Wait for media, however late, until the end is ordered; tell once when it is overdue."""
        waits = [asyncio.ensure_future(e.wait()) for e in (active.media, active.stopping)]
        try:
            done, _ = await asyncio.wait(waits, timeout=self._rules.media_wait_s, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                self._announcer.recording_started(active.call, active.terms, active.channel.number, NO_MEDIA)
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return active.media.is_set() and not active.stopping.is_set()

    def _without_media(self, active: ActiveRecording) -> bool:
        active.call.outcome = "no media"
        active.call.reason = active.stop_reason or "the call left before its media came"
        return False

    def _claim(self, active: ActiveRecording, from_mono_s: float) -> None:
        call, terms = active.call, active.terms
        began_ago_s = clock.monotonic_s() - from_mono_s
        active.began_mono_s = from_mono_s
        active.claimed = True
        self._orders.append(
            active.session,
            Claimed(
                record_id=active.record_id,
                global_call_id=call.global_call_id,
                core_id=self._rules.core_id,
                channel=active.channel.number,
                device_id=call.device_id,
                call_instance=call.call_instance,
                path=str(active.path),
                encoding=self._rules.encoding,
                started_at=clock.ago(began_ago_s),
                from_mono_s=from_mono_s,
                call_started_at=call.started_at,
                schedule=terms.schedule,
                recording_type=terms.recording_type,
                priority=terms.priority,
                keep_days=kept_days(call, terms),
                archive_action=archive_action(call, terms),
                fields=call.fields,
            ),
        )
        for blackout in call.blackouts:
            self._order_blackout(active, blackout)

    # --- while it runs --------------------------------------------------------------------------------------------

    def update(self, active: ActiveRecording) -> None:
        """Write the call's changed fields down for the sidecar and the record."""
        if active.claimed:
            call, terms = active.call, active.terms
            changed = FieldsChanged(
                fields=call.fields, keep_days=kept_days(call, terms), archive_action=archive_action(call, terms)
            )
            self._orders.append(active.session, changed)

    def begin_blackout(self, active: ActiveRecording, blackout: Blackout) -> None:
        """Order silence, before this returns. Raises TapFailedError if that cannot be written down."""
        if active.claimed:
            self._order_blackout(active, blackout)

    def end_blackout(self, active: ActiveRecording, blackout: Blackout) -> None:
        """Order audio again, from the blackout's end on."""
        if active.claimed and blackout.until_mono_s is not None:
            ended = BlackoutEnded(number=blackout.number, until_mono_s=blackout.until_mono_s)
            self._orders.append(active.session, ended)

    def _order_blackout(self, active: ActiveRecording, blackout: Blackout) -> None:
        from_mono_s = max(blackout.from_mono_s, active.began_mono_s)
        if blackout.until_mono_s is not None and blackout.until_mono_s <= from_mono_s:
            return  # it was over before this recording began
        began = BlackoutBegan(number=blackout.number, from_mono_s=from_mono_s, reason=blackout.reason)
        self._orders.append(active.session, began)
        self.end_blackout(active, blackout)

    def stop(self, active: ActiveRecording, reason: str, *, interrupted: bool = False) -> None:
        """Order the end, now; a second order changes nothing."""
        if active.stopping.is_set():
            return
        active.stop_reason, active.interrupted = reason, interrupted
        active.stopped_mono_s, active.stopped_at = clock.monotonic_s(), clock.now()
        self._order_stop(active)
        if active.channel.state is ChannelState.RECORDING and not active.detached:
            active.channel.apply(Trigger.STOPPED)  # at once, so that the next call knows that it may wait
        active.stopping.set()

    def _order_stop(self, active: ActiveRecording) -> None:
        if not active.claimed or active.stop_written or active.stopped_at is None or active.too_short:
            return
        active.stop_written = True
        stopped = Stopped(
            at_mono_s=active.stopped_mono_s,
            stopped_at=active.stopped_at,
            reason=active.stop_reason,
            interrupted=active.interrupted,
        )
        self._orders.append(active.session, stopped)

    # --- end ------------------------------------------------------------------------------------------------------

    async def _finish(self, active: ActiveRecording) -> None:
        """Tell the end, then let the line go."""
        channel = active.channel
        if not active.detached and channel.state is not ChannelState.FINISHING:
            channel.apply(Trigger.STOPPED)
        if active.claimed:
            self._order_stop(active)
            active.call.is_recording = False
            self._ended(active)
            self._announcer.recording_stopped(active)
        steady = active.dialled or not channel.calls_arrive
        if not active.detached and active.session and (active.claimed or steady):
            await self._stop_line(active)
        if active.dialled:
            await self._hang_up(active)
        if active.too_short:
            self._drop(active)
        if not active.detached:
            channel.priority = -1
            channel.apply(Trigger.STILL_UP if channel.arrival else Trigger.FREED)

    async def _hang_up(self, active: ActiveRecording) -> None:
        """End the call that was dialled, and wait until its line is free. What nobody answered is not kept."""
        channel = active.channel
        if not active.detached:
            try:
                await self._lines.hang_up(channel.tap, channel.line, active.stop_reason)
                async with asyncio.timeout(FREE_S):
                    await active.left.wait()
            except (TapError, TimeoutError) as error:
                logger.warning("%r did not hang up: %s: %s", channel, type(error).__name__, error)
        if active.session and not active.claimed:
            self._orders.append(active.session, Dropped(reason=f"not answered: {active.stop_reason}"))

    def _drop(self, active: ActiveRecording) -> None:
        """Have the recording deleted. Only now: the line has let go of its session."""
        call, shortest_s = active.call, active.terms.min_record_time_s
        call.outcome, call.reason = "not kept", f"shorter than {shortest_s} s ({active.terms.schedule})"
        call.filename, call.record_id = "", None
        self._orders.append(active.session, Dropped(reason=call.reason))

    async def _stop_line(self, active: ActiveRecording) -> None:
        try:
            await self._lines.stop_line(active.channel.tap, active.channel.line)
        except TapError as error:
            # The audio is safe: the writer ends the recording at the moment that was ordered.
            logger.warning("%r did not stop: %s: %s", active.channel, type(error).__name__, error)

    def _failed(self, active: ActiveRecording, label: str, detail: str, *, channel_works: bool = False) -> None:
        """The recording came to nothing, or died on the way: say so, and put the channel aside."""
        call, channel = active.call, active.channel
        logger.error("device %s is not recorded on channel %d: %s: %s", call.device_id, channel.number, label, detail)
        call.outcome, call.reason = "failed", f"{label}: {detail}"
        if active.claimed:
            self.stop(active, detail, interrupted=True)
            self._ended(active)
            self._announcer.recording_stopped(active)
        else:
            self._announcer.recording_started(call, active.terms, channel.number, label)
        active.claimed = False
        if active.detached:
            return
        active.detached = True
        channel.priority = -1
        if channel_works:
            channel.apply(Trigger.STOPPED)
            channel.apply(Trigger.STILL_UP if channel.arrival else Trigger.FREED)
        else:
            channel.apply(Trigger.FAILED)
