"""How much of one line is heard on the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from appliance.audio.measure import Samples
from hil.measure.sine import FLOOR_DB, fit_sine


def crosstalk_matrix(slots: Sequence[Sequence[Samples]], rate_hz: int, frequency_hz: float) -> npt.NDArray[np.float64]:
    """Give a row for each driven line, a column for each listening one, in dB; 0 on the diagonal.

    ``slots[d][l]`` is what line l recorded while line d alone was driven. Where a driven line does not hear itself its
    tone would make others look loud: the loudest line that hears it is then the measure.
    """
    levels = np.array(
        [[fit_sine(heard, rate_hz, frequency_hz, free=False).level_dbfs for heard in slot] for slot in slots]
    )
    home = np.maximum(np.diagonal(levels), levels.max(axis=1))
    matrix = np.maximum(levels - home[:, None], FLOOR_DB)
    np.fill_diagonal(matrix, 0.0)
    return np.asarray(matrix, dtype=np.float64)
