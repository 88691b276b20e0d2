"""What to do about a leg that gives nothing while the recording goes on. Pure.

It is given up for silent after :data:`STALL_WAIT_S`. When it gives audio again that lies behind what is written, it
is used from there on. If it gives audio that lies before that (its driver stood still, and told no loss), it gets
the same time to catch up; after that its new audio is put where it was seen.
"""

from __future__ import annotations

from typing import Final

from appliance.recording.writer.leg import Leg
from appliance.recording.writer.notes import Shifted, StallBegan, StallEnded
from appliance.recording.writer.scale import Scale

STALL_WAIT_S: Final = 3.0
SHORT_END_S: Final = 0.1
"""A leg that ends less than this before its recording is not told as a gap."""

Decision = StallBegan | StallEnded | Shifted


def recover(number: int, leg: Leg, position: int, *, now_s: float, scale: Scale, over: bool) -> list[Decision]:
    """Decide whether a leg that was given up is used again. ``over``: nothing more will come."""
    if leg.stalled_at is None:
        return []
    if leg.end > position:
        return [StallEnded(leg=number, at_frame=max(position, leg.stalled_at))]
    first_new = leg.timeline.file_of_out(leg.stalled_at)
    if leg.view.frames <= first_new:
        return []
    if leg.late_since is None:
        leg.late_since = (now_s, leg.view.frames - first_new)
    since_s, new_frames = leg.late_since
    if now_s - since_s < STALL_WAIT_S and not over:
        return []
    seen_at = max(position, scale.nearest(since_s) - new_frames)
    return [
        Shifted(leg=number, file_frame=first_new, frames=seen_at - leg.stalled_at),
        StallEnded(leg=number, at_frame=seen_at),
    ]


def give_up(number: int, leg: Leg, position: int, end: int, *, ending: bool) -> list[Decision]:
    """Decide whether a leg that ends before ``end``, up to which is written now, is given up for silent."""
    missing_from = max(position, leg.end)
    most = SHORT_END_S * leg.rate_hz if ending else 0
    if leg.stalled_at is None and end - missing_from > most:
        return [StallBegan(leg=number, at_frame=missing_from)]
    return []
