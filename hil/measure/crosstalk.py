"""How much of one line is heard on the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from appliance.audio.measure import Samples
from hil.measure.channels import AUDIBLE_DBFS
from hil.measure.sine import FLOOR_DB, fit_sine


def crosstalk_matrix(slots: Sequence[Sequence[Samples]], rate_hz: int, frequency_hz: float) -> npt.NDArray[np.float64]:
    """Give a row for each driven line, a column for each listening one, in dB against the loudest of the row.

    ``slots[d][l]`` is what line l recorded while line d alone was driven. Where all is well the loudest is line d
    itself, and the diagonal is 0; where cables are swapped it is another. A row is NaN where nobody heard the tone.
    """
    levels = np.array(
        [[fit_sine(heard, rate_hz, frequency_hz, free=False).level_dbfs for heard in slot] for slot in slots]
    )
    loudest = levels.max(axis=1, keepdims=True)
    return np.where(loudest > AUDIBLE_DBFS, np.maximum(levels - loudest, FLOOR_DB), np.nan)


def worst_crosstalk(matrix: npt.NDArray[np.float64], line: int) -> tuple[float, int] | None:
    """Give the loudest that the line hears of tones that are not its own, and whose; None without any.

    A tone that no line hears louder than this one is its own.
    """
    others = [
        (float(row[line]), driven)
        for driven, row in enumerate(matrix)
        if not np.isnan(row).any() and int(np.argmax(row)) != line
    ]
    return max(others, default=None)
