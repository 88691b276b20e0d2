"""Whether a stretch of audio is silence."""

from __future__ import annotations

from typing import final

import numpy as np
import numpy.typing as npt

_FULL_SCALE = 32768.0
_WINDOW_S = 0.1


@final
class Silence:
    """Tells silence from sound: the RMS of each 100 ms against a threshold.

    0 dBFS is the RMS of a full-scale square wave, so a sine of peak amplitude x has 20·log10(x) - 3 dBFS.
    """

    def __init__(self, threshold_dbfs: float) -> None:
        self._threshold = float((_FULL_SCALE * 10 ** (threshold_dbfs / 20)) ** 2)

    def is_loud(self, pcm: npt.NDArray[np.int16], rate_hz: int) -> bool:
        """Tell whether any window of the stretch is at or above the threshold; a stretch may be shorter than one."""
        window = max(1, int(rate_hz * _WINDOW_S))
        whole = len(pcm) // window * window
        squares = np.square(pcm, dtype=np.float32)
        if whole and float(squares[:whole].reshape(-1, window).mean(axis=1).max()) >= self._threshold:
            return True
        rest = squares[whole:]
        return bool(len(rest)) and float(rest.mean()) >= self._threshold
