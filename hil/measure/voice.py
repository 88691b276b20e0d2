"""When a recording by voice becomes loud."""

from __future__ import annotations

import numpy as np

from appliance.audio.measure import Samples, levels_dbfs

BLOCK_S = 0.005


def first_loud_s(samples: Samples, rate_hz: int, *, below_peak_db: float = 20.0) -> float | None:
    """Time of the first stretch of 5 ms that is within so much of the loudest; None where all is quiet."""
    levels = levels_dbfs(samples, rate_hz, BLOCK_S)
    if not levels.size or levels.max() < -70:
        return None
    return float(np.flatnonzero(levels >= levels.max() - below_peak_db)[0]) * BLOCK_S
