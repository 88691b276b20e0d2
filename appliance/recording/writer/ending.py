"""When a recording ends, and whether that is known yet. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from appliance.recording.writer.leg import Leg
from appliance.recording.writer.scale import FOREVER, Scale
from appliance.recording.writer.stalls import SHORT_END_S, STALL_WAIT_S
from appliance.spool.reader import SessionReader

CLOSE_WAIT_S: Final = 1.0
"""After the order to stop, the last audio may still be on its way: so long the writer waits for it."""


def writable(legs: Collection[Leg], position: int, scale: Scale, *, now_s: float, holdback_s: float) -> int:
    """Give the frame up to which may be written while the session goes on."""
    ends = [leg.end for leg in legs]
    if not ends:
        return position
    end = min(scale.before(now_s - holdback_s), max(ends))
    if end > min(ends):  # a leg lags: wait for it, but not for ever
        end = max(min(ends), min(end, scale.before(now_s - STALL_WAIT_S)))
    return max(position, end)


def final_end(reader: SessionReader, legs: Collection[Leg], scale: Scale, now_s: float) -> int | None:
    """Give the frame at which the recording ends; None as long as that is open.

    It ends where it was ordered to, or with the last audio if that is earlier and no more can come. Where a living
    session should have more audio and has not, the rest up to the order is kept as silence.
    """
    ends = [leg.end for leg in legs] or [0]
    stop = scale.nearest(reader.stopped.at_mono_s) if reader.stopped else FOREVER
    last = max(0, min(stop, max(ends)))
    if reader.over:
        return last
    if reader.stopped is None:
        return None
    if min(ends) >= stop:
        return stop
    if now_s < reader.stopped.at_mono_s + CLOSE_WAIT_S:
        return None
    return stop if legs and stop - last > SHORT_END_S * scale.rate_hz else last


def ended_without_audio(reader: SessionReader, now_s: float) -> bool:
    """Tell whether a session without a leg is over, or was never begun by its worker."""
    if reader.over:
        return True
    return reader.stopped is not None and now_s >= reader.stopped.at_mono_s + CLOSE_WAIT_S
