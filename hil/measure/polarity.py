"""Where a known signal lies in a recording, and which way round."""

from __future__ import annotations

import dataclasses
from typing import Final, final

from appliance.audio.measure import Samples, find_offset
from appliance.audio.measure.samples import to_float

LIKE: Final = 0.5  # correlation from which on it is the signal


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Placed:
    """``frame`` of the recording at which the signal begins; ``polarity`` 1 or -1; ``likeness`` 0 to 1."""

    frame: int
    polarity: int
    likeness: float


def find_placed(reference: Samples, samples: Samples) -> Placed | None:
    """Find a signal as it was played or inverted; None where the recording does not hold it.

    The signal is a sweep, so that inverted it does not resemble itself at another place as much as at its own.
    """
    wide = to_float(samples)
    straight, inverted = find_offset(reference, wide), find_offset(reference, -wide)
    best, polarity = (straight, 1) if straight.likeness >= inverted.likeness else (inverted, -1)
    return Placed(best.frames, polarity, best.likeness) if best.likeness >= LIKE and best.frames >= 0 else None
