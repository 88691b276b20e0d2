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
        return self.quiet_frames(pcm, rate_hz) is not None

    def quiet_frames(self, pcm: npt.NDArray[np.int16], rate_hz: int) -> int | None:
        """Count the frames behind the last loud window of the stretch; None if no window is loud."""
        window = max(1, int(rate_hz * _WINDOW_S))
        whole = len(pcm) // window * window
        squares = np.square(pcm, dtype=np.float32)
        rest = squares[whole:]
        if len(rest) and float(rest.mean()) >= self._threshold:
            return 0
        loud = np.flatnonzero(squares[:whole].reshape(-1, window).mean(axis=1) >= self._threshold)
        return len(pcm) - (int(loud[-1]) + 1) * window if len(loud) else None
