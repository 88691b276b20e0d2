"""What is known about a recording: the facts that go into its sidecar."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from appliance.recording.facts import Blackout, Gap, LegFacts, Recording
from appliance.recording.writer.leg import LATE_LEG, Hole, Leg, lost_frames
from appliance.recording.writer.notes import PartNote
from appliance.recording.writer.part import Part
from appliance.recording.writer.scale import Scale, blackout_spans
from appliance.spool.reader import SessionReader
from drivers.contract import LossReason, Party

ORPHANED = "power lost"


def channels_of(parties: Mapping[int, Party]) -> dict[int, int]:
    """Give each leg its channel, 0 left and 1 right: the caller left and the agent right, else by number."""
    left_first = sorted(parties, key=lambda leg: (_side(parties[leg]), leg))
    if len(left_first) == 1:
        return {left_first[0]: max(0, _side(parties[left_first[0]]))}
    return {leg: channel for channel, leg in enumerate(left_first)}


def _side(party: Party) -> int:
    return {Party.CALLER: -1, Party.AGENT: 1}.get(party, 0)


def known(note: PartNote, reader: SessionReader, legs: Mapping[int, Leg], part: Part, frames: int) -> PartNote:
    """Bring a note up to date with what is known of the recording's first ``frames``."""
    scale = Scale(note.begin_mono_s, note.rate_hz)
    holes = {number: leg.holes(frames) for number, leg in sorted(legs.items())}
    claim = note.claim
    if reader.changed is not None:
        changed = reader.changed
        update = {"fields": changed.fields, "keep_days": changed.keep_days, "archive_action": changed.archive_action}
        claim = claim.model_copy(update=update)
    return note.model_copy(
        update={
            "claim": claim,
            "legs": _legs(legs, holes, part, frames),
            "gaps": _gaps(holes, scale),
            "blackouts": _blackouts(reader, frames, scale),
            "measured": dict(reader.measured),
        }
    )


def recording_of(note: PartNote, reader: SessionReader, part: Part) -> Recording:
    """Build the recording of a session that has ended; name, size and hash are for :mod:`finish` to fill in."""
    stopped = reader.stopped
    if stopped is not None:
        reason = stopped.reason
    elif reader.closed is not None:
        reason = reader.closed.reason
    else:
        reason = LossReason.WORKER_DIED.value
    return _recording(
        note,
        part,
        stopped_at=stopped.stopped_at if stopped else None,
        interrupted=stopped.interrupted if stopped else True,
        end_reason=reason,
    )


def recording_of_orphan(note: PartNote, part: Part) -> Recording:
    """Build the recording of a ``.part`` whose session was lost, from what was known when its note was written last."""
    length_s = part.frames / part.rate_hz
    gaps = tuple(_cut(gap, length_s) for gap in note.gaps if gap.at_s < length_s)
    blackouts = tuple(
        b.model_copy(update={"until_s": min(b.until_s, length_s)}) for b in note.blackouts if b.from_s < length_s
    )
    legs = tuple(_counted(leg, gaps, part) for leg in note.legs)
    note = note.model_copy(update={"gaps": gaps, "blackouts": blackouts, "legs": legs})
    return _recording(note, part, stopped_at=None, interrupted=True, end_reason=ORPHANED)


def _cut(gap: Gap, length_s: float) -> Gap:
    return gap.model_copy(update={"length_s": min(gap.length_s, length_s - gap.at_s)})


def _counted(leg: LegFacts, gaps: tuple[Gap, ...], part: Part) -> LegFacts:
    """Count a leg's frames by its gaps, for lack of its audio."""
    late = sum(round(gap.length_s * part.rate_hz) for gap in gaps if gap.leg == leg.leg and gap.reason == LATE_LEG)
    lost = sum(round(gap.length_s * part.rate_hz) for gap in gaps if gap.leg == leg.leg and gap.reason != LATE_LEG)
    return leg.model_copy(update={"frames_lost": lost, "frames_captured": max(0, part.frames - lost - late)})


def _recording(
    note: PartNote,
    part: Part,
    *,
    stopped_at: dt.datetime | None,
    interrupted: bool,
    end_reason: str,
) -> Recording:
    claim = note.claim
    duration_s = round(part.frames / part.rate_hz, 6)
    taken = claim.model_dump(
        include={"record_id", "global_call_id", "core_id", "channel", "device_id", "call_instance", "keep_days"}
        | {"archive_action", "priority", "schedule", "recording_type", "call_started_at", "encoding"}
    )
    return Recording(
        **taken,
        fields=claim.fields,
        tap=note.tap,
        line=note.line,
        session=note.session,
        started_at=note.began_at,
        stopped_at=stopped_at or note.began_at + dt.timedelta(seconds=duration_s),
        filename="",
        rate_hz=part.rate_hz,
        channels=part.channels,
        frames=part.frames,
        duration_s=duration_s,
        audio_size=0,
        audio_hash="",
        legs=note.legs,
        gaps=note.gaps,
        blackouts=note.blackouts,
        interrupted=interrupted,
        end_reason=end_reason,
        measured=note.measured,
    )


def _legs(
    legs: Mapping[int, Leg], holes: Mapping[int, Sequence[Hole]], part: Part, frames: int
) -> tuple[LegFacts, ...]:
    channels = channels_of({number: leg.party for number, leg in legs.items()})
    return tuple(
        LegFacts(
            leg=number,
            party=leg.party,
            channel=channels[number] if part.channels > 1 else 0,
            frames_captured=leg.captured_frames(frames),
            frames_lost=lost_frames(holes[number]),
        )
        for number, leg in sorted(legs.items())
    )


def _gaps(holes: Mapping[int, Sequence[Hole]], scale: Scale) -> tuple[Gap, ...]:
    return tuple(
        Gap(
            leg=number,
            at_s=scale.seconds(hole.span.begin),
            length_s=scale.seconds(hole.span.end - hole.span.begin),
            reason=hole.reason,
        )
        for number, some in holes.items()
        for hole in some
    )


def _blackouts(reader: SessionReader, frames: int, scale: Scale) -> tuple[Blackout, ...]:
    spans = ((n, span.within(0, frames)) for n, span in blackout_spans(reader, scale).items())
    return tuple(
        Blackout(
            from_s=scale.seconds(span.begin), until_s=scale.seconds(span.end), reason=reader.blackouts[n][0].reason
        )
        for n, span in spans
        if span
    )
