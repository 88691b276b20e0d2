"""The figures of each part of the box."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from appliance.bus.commands import PlaybackOutcome
from appliance.capture.protocol import Turned
from appliance.channels.states import ChannelState
from appliance.eventproxy.feed import EventProxy
from appliance.metrics import Figure
from appliance.playback.service import Playbacks
from appliance.ports.gate import Gate
from appliance.ports.refusals import Reason
from appliance.ports.tls import Certificates
from appliance.recording.saving import Saver
from appliance.recording.writer_link import WriterLink
from appliance.scheduler.service import Scheduler
from appliance.taps import Taps
from drivers.contract import LineMeter, TapMeter


def of_taps(taps: Taps) -> Iterable[Figure]:
    """What each tap counts."""
    for name, status in taps.status().items():
        labels = (("tap", name),)
        yield Figure("linetap_tap_workers", "Worker processes that the tap needs.", status.workers, labels)
        yield Figure("linetap_tap_workers_up", "Worker processes that serve now.", status.workers_up, labels)
        yield Figure("linetap_tap_worker_restarts_total", "Workers started again.", status.restarts, labels)
        yield Figure(
            "linetap_tap_workers_renewed_total", "Workers replaced when their time was served.", status.renewals, labels
        )
        yield Figure("linetap_calls_refused_total", "Calls that were turned away.", status.refused_calls, labels)
        yield Figure(
            "linetap_tap_connections_refused_total",
            "Connections to a tap that were closed before a call came by them.",
            status.refused_connections,
            labels,
        )
        yield Figure("linetap_frames_lost_total", "Frames missing, over all legs.", status.lost_frames, labels)
        for account in status.accounts:
            of_account = (*labels, ("account", account.account))
            yield Figure(
                "linetap_account_registered", "1 while the account is registered.", account.registered, of_account
            )
            yield Figure("linetap_account_answer", "The registrar's last answer (SIP).", account.code, of_account)


def of_meters(measured: Mapping[str, Sequence[TapMeter]]) -> Iterable[Figure]:
    """What taps measure: the clock and losses of each card, the level of each line."""
    for name, meters in measured.items():
        labels = (("tap", name),)
        for meter in meters:
            yield Figure("linetap_card_present", "1 while the card gives frames.", meter.present, labels)
            yield Figure("linetap_card_overruns_total", "Times its buffer ran over.", meter.overruns, labels)
            yield Figure("linetap_card_reopened_total", "Times it was opened again.", meter.reopened, labels)
            if meter.drift_ppm is not None:
                yield Figure("linetap_card_drift_ppm", "Its clock against the system's.", meter.drift_ppm, labels)
            for line in meter.lines:
                yield from _of_line(line, (*labels, ("line", line.line)))


def _of_line(line: LineMeter, labels: tuple[tuple[str, str], ...]) -> Iterable[Figure]:
    yield Figure("linetap_line_voice", "1 while there is voice on the line.", line.voice, labels)
    kinds = (
        ("level_dbfs", "Level of the last second; 0 is a full-scale sine.", line.level_dbfs),
        ("peak_dbfs", "Its peak.", line.peak_dbfs),
        ("level_dbm0", "Its level by the card's calibration.", line.level_dbm0),
    )
    for kind, told, values in kinds:
        for leg, value in enumerate(values):
            yield Figure(f"linetap_line_{kind}", told, value, (*labels, ("leg", str(leg))))


def of_playbacks(playbacks: Playbacks) -> Iterable[Figure]:
    """What came of the playbacks since the start."""
    for outcome in get_args(PlaybackOutcome):
        labels = (("outcome", outcome),)
        yield Figure("linetap_playbacks_total", "Playbacks that ended.", playbacks.counters[outcome], labels)


def of_scheduler(scheduler: Scheduler) -> Iterable[Figure]:
    """Calls, recordings and channels."""
    yield Figure("linetap_calls_open", "Calls going on.", len(scheduler.calls.open_calls()))
    yield Figure("linetap_calls_waiting", "Calls to be recorded that wait for media.", len(scheduler.waiting))
    yield Figure("linetap_recordings_active", "Recordings going on.", len(scheduler.active))
    states = [channel.state for channel in scheduler.pool]
    for state in ChannelState:
        yield Figure("linetap_channels", "Channels by state.", states.count(state), (("state", state.value),))


def of_writing(writer: WriterLink, saver: Saver, troubles: set[str]) -> Iterable[Figure]:
    """The writer, its memory and its disk."""
    yield Figure("linetap_recordings_saved_total", "Recordings put into the database.", saver.saved)
    yield Figure("linetap_writer_restarts_total", "Times the writer was started again.", writer.restarts)
    for kind in ("disk full", "disk error", "spool full"):
        labels = (("kind", kind),)
        yield Figure("linetap_writer_trouble", "1 while the writer has this trouble.", kind in troubles, labels)
    if writer.last_turn:
        yield from _of_turn(writer.last_turn)


def _of_turn(turn: Turned) -> Iterable[Figure]:
    yield Figure("linetap_spool_bytes", "Memory that the spool takes.", turn.spool_bytes)
    yield Figure("linetap_spool_free_bytes", "Memory that the spool has left.", turn.spool_free_bytes)
    yield Figure("linetap_disk_free_bytes", "Room left on the recording disk.", turn.disk_free_bytes)
    yield Figure("linetap_writer_turn_seconds", "Length of the writer's last turn.", turn.turn_ms / 1000)


def of_ports(gates: Iterable[Gate], proxy: EventProxy, certificates: Certificates) -> Iterable[Figure]:
    """Clients."""
    for gate in gates:
        labels = (("port", gate.name),)
        yield Figure("linetap_connections", "Clients connected.", gate.connections, labels)
        yield Figure("linetap_connections_refused_total", "Clients turned away.", gate.refused_connections, labels)
        for reason in Reason:
            of_reason = (*labels, ("reason", reason.value))
            yield Figure("linetap_refusals_total", "What was refused.", gate.refusals.counts[reason], of_reason)
    if certificates.ends_at:
        at_s = certificates.ends_at.timestamp()
        yield Figure("linetap_certificate_ends_seconds", "End of the box's certificate, seconds since 1970.", at_s)
    yield from _of_events(proxy)


def _of_events(proxy: EventProxy) -> Iterable[Figure]:
    history = proxy.bus.history
    yield Figure("linetap_events_sequence", "SEQUENCE of the last event.", history.last)
    yield Figure("linetap_events_kept", "Events kept for subscribers that come back.", history.kept)
    yield Figure("linetap_event_subscriptions", "Subscriptions that stand.", history.readers)
    yield Figure("linetap_events_dropped_total", "Events lost to readers that were too slow.", proxy.dropped)
    yield Figure("linetap_event_readers_hung_up_total", "Subscribers that took nothing for too long.", proxy.hung_up)
