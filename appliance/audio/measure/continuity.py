"""Follow the phase of a tone through a recording: where it breaks, frames are missing, doubled or silenced."""

from __future__ import annotations

import dataclasses
import enum
from typing import final

import numpy as np
import numpy.typing as npt

from appliance.audio.measure.samples import Samples, to_float
from appliance.audio.measure.tone import HOP_S, Tone, block_loudness, block_phasors, find_tone, phase_steps

STEP_DEG = 3.0  # G.711 moves the phase of a block by 0.1 degrees; one frame missing at 300 Hz moves it by 13.5
FADED = 0.6  # share of the usual loudness below which a block is a drop-out


class BreakKind(enum.StrEnum):
    """How a tone breaks."""

    DROP_OUT = "drop-out"
    JUMP = "jump"


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Break:
    """One break. ``at_s`` counts from the first frame of the leg and is right to 20 ms.

    ``frames`` is the length of a drop-out, or the smallest shift that explains a jump: positive where frames are
    missing, negative where there are too many. A jump is known only modulo one period of the tone: a tone with a
    whole number of periods in 20 ms does not show a packet that is left out, so its length must be checked too.
    """

    kind: BreakKind
    at_s: float
    frames: float


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Continuity:
    """The tone and its breaks."""

    tone: Tone
    breaks: tuple[Break, ...]

    @property
    def unbroken(self) -> bool:
        """Whether the tone runs on without a break from its begin to its end."""
        return not self.breaks


def check_continuity(samples: Samples, rate_hz: int, *, step_deg: float = STEP_DEG) -> Continuity:
    """Find the strongest tone and every break in it. Raises ValueError where nothing is heard."""
    tone = find_tone(samples, rate_hz)
    body = to_float(samples)[tone.begin_frame : tone.end_frame]
    phasors = block_phasors(body, rate_hz, tone.frequency_hz)
    begin_s = tone.begin_frame / rate_hz
    loudness = block_loudness(body, rate_hz)
    faded = loudness < FADED * float(np.median(loudness))
    rough = np.concatenate((np.abs(phase_steps(phasors)) > np.deg2rad(step_deg), [False]))
    rough[1:] |= rough[:-1]
    found = [_name_break(run, phasors, faded, tone.frequency_hz, rate_hz, begin_s) for run in _groups(rough | faded)]
    return Continuity(tone, tuple(found))


def _groups(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _name_break(
    run: tuple[int, int],
    phasors: npt.NDArray[np.complex128],
    faded: npt.NDArray[np.bool_],
    frequency_hz: float,
    rate_hz: int,
    begin_s: float,
) -> Break:
    first, end = run
    at_s = begin_s + (first + 1) * HOP_S
    weak = int(np.count_nonzero(faded[first:end]))
    if weak:
        return Break(BreakKind.DROP_OUT, at_s, weak * HOP_S * rate_hz)
    before, after = phasors[max(first - 1, 0)], phasors[min(end, phasors.size - 1)]
    turn = float(np.angle(after * np.conj(before)))
    return Break(BreakKind.JUMP, at_s, turn / (2 * np.pi * frequency_hz) * rate_hz)
