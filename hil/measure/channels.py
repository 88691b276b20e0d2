"""Which line's tone is heard on a line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from appliance.audio.measure import Samples
from hil.measure.sine import FLOOR_DB, fit_sine

AUDIBLE_DBFS = -70.0


def heard_channel(samples: Samples, rate_hz: int, frequencies_hz: Sequence[float]) -> int | None:
    """Index of the frequency, of those that each line alone was played, that is the loudest here.

    None where none of them is above -70 dBFS, or where noise is louder than it by 20 dB.
    """
    levels = [fit_sine(samples, rate_hz, hz, free=False) for hz in frequencies_hz]
    best = int(np.argmax([one.amplitude for one in levels]))
    loudest = levels[best]
    noise_db = 20 * np.log10(max(loudest.rest_rms * np.sqrt(2), 10 ** (FLOOR_DB / 20)))
    return best if loudest.level_dbfs > max(AUDIBLE_DBFS, noise_db - 20) else None
