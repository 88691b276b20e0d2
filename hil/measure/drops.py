"""Breaks of a tone over minutes."""

from __future__ import annotations

from appliance.audio.measure import Samples
from appliance.audio.measure.continuity import Break, BreakKind, check_continuity
from appliance.audio.measure.tone import HOP_S


def drop_outs(samples: Samples, rate_hz: int, frequency_hz: float) -> tuple[Break, ...]:
    """Breaks of a tone that fills the whole stretch, in windows of 20 ms.

    Raises ValueError where nothing is heard. A tone that is not heard up to either end of the stretch breaks there.
    """
    found = check_continuity(samples, rate_hz)
    edges = [
        Break(BreakKind.DROP_OUT, at / rate_hz, frames)
        for at, frames in ((0, found.tone.begin_frame), (found.tone.end_frame, samples.size - found.tone.end_frame))
        if frames > rate_hz * HOP_S
    ]
    if abs(found.tone.frequency_hz - frequency_hz) > frequency_hz / 100:
        raise ValueError(f"{found.tone.frequency_hz:.1f} Hz is heard, not {frequency_hz:g}")
    return tuple(sorted((*found.breaks, *edges), key=lambda one: one.at_s))
