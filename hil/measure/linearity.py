"""Gain at other levels and frequencies than the one that is set by."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import final

import numpy as np
import numpy.typing as npt

from appliance.audio.measure import Samples
from hil.measure.sine import fit_sine


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Response:
    """Gain against that at the reference, shape ``(frequencies,)`` each."""

    frequencies_hz: npt.NDArray[np.float64]
    gains_db: npt.NDArray[np.float64]


def gain_deviations_db(
    steps: Sequence[Samples], played_dbfs: Sequence[float], rate_hz: int, frequency_hz: float, reference: int = 0
) -> npt.NDArray[np.float64]:
    """Give the gain of each step less that of the step ``reference``; one tone at ``played_dbfs`` in each step."""
    heard = np.array([fit_sine(step, rate_hz, frequency_hz, free=False).level_dbfs for step in steps])
    gains = heard - np.array(played_dbfs)
    return np.asarray(gains - gains[reference], dtype=np.float64)


def frequency_response(
    steps: Sequence[Samples], frequencies_hz: Sequence[float], rate_hz: int, reference_hz: float
) -> Response:
    """Give the level of each step, in which a tone of its frequency was played, against the one at the reference.

    Raises ValueError when no step has the reference.
    """
    at = list(frequencies_hz).index(reference_hz)
    heard = np.array(
        [fit_sine(step, rate_hz, hz, free=False).level_dbfs for step, hz in zip(steps, frequencies_hz, strict=True)]
    )
    return Response(np.array(frequencies_hz, dtype=np.float64), heard - heard[at])


def worst(deviations: npt.NDArray[np.float64], low: float | None, high: float | None) -> int:
    """Where the deviation is that has the least margin to its limits."""
    below = deviations - low if low is not None else np.full(deviations.shape, np.inf)
    above = high - deviations if high is not None else np.full(deviations.shape, np.inf)
    return int(np.argmin(np.minimum(below, above)))
