"""What the demonstration checks in the exported call, each with what was found and what is wanted."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Final, final

import numpy as np
import numpy.typing as npt

from appliance.audio import measure
from appliance.demo.voices import AGENT, CALLER, RATE_HZ, Dialogue

LENGTH_S: Final = 0.3  # the call is up a little longer than its sound
LIKENESS: Final = 0.95  # G.711 and MP3 together leave a voice above 0.98
STRANGENESS: Final = 0.3  # of one voice against the other's leg
STEP_FRAMES: Final = 160  # 20 ms
LEVEL_DB: Final = 3.0
SILENCE_DBFS: Final = -45.0
_NAMES: Final = {CALLER: "caller", AGENT: "agent"}
_SIDES: Final = {CALLER: "left", AGENT: "right"}


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    what: str
    found: str
    good: bool


def check_call(legs: npt.NDArray[np.int16], rate_hz: int, dialogue: Dialogue, call_s: float) -> list[Check]:
    """Compare the exported call, shape (frames, legs), with what was said on a call that was up for ``call_s``."""
    shape = Check("two legs at 8 kHz", f"{legs.shape[1]} at {rate_hz} Hz", legs.shape[1] == 2 and rate_hz == RATE_HZ)
    if not shape.good:
        return [shape]
    return [shape, *_check_sound(np.ascontiguousarray(legs.T), dialogue, call_s)]


def _check_sound(legs: npt.NDArray[np.int16], dialogue: Dialogue, call_s: float) -> Iterator[Check]:
    length_s = legs.shape[1] / RATE_HZ
    yield Check("as long as the call", f"{length_s:.2f} s of {call_s:.2f} s", abs(length_s - call_s) <= LENGTH_S)
    offsets = [measure.find_offset(dialogue.legs[leg], legs[leg]) for leg in (CALLER, AGENT)]
    for leg in (CALLER, AGENT):
        likeness = offsets[leg].likeness
        yield Check(f"the {_NAMES[leg]}'s voice is {_SIDES[leg]}", f"likeness {likeness:.3f}", likeness >= LIKENESS)
        other = measure.find_offset(dialogue.legs[1 - leg], legs[leg]).likeness
        yield Check(f"and there alone ({_SIDES[leg]})", f"likeness {other:.3f} to the other", other <= STRANGENESS)
    step = offsets[AGENT].frames - offsets[CALLER].frames
    yield Check("both legs in step", f"{abs(step) * 1000 / RATE_HZ:.1f} ms apart", abs(step) <= STEP_FRAMES)
    yield from _check_turns(legs, dialogue, offsets)


def _check_turns(legs: npt.NDArray[np.int16], dialogue: Dialogue, offsets: list[measure.Offset]) -> Iterator[Check]:
    """Every sentence is there at its level, while the other leg is silent."""
    worst_db, loudest_dbfs = 0.0, -120.0
    for turn in dialogue.turns:
        span = slice(turn.begin + offsets[turn.leg].frames, turn.end + offsets[turn.leg].frames)
        said_dbfs = measure.level_dbfs(dialogue.legs[turn.leg, turn.begin : turn.end])
        heard_dbfs = measure.level_dbfs(legs[turn.leg, max(span.start, 0) : span.stop])
        worst_db = max(worst_db, abs(heard_dbfs - said_dbfs))
        loudest_dbfs = max(loudest_dbfs, measure.level_dbfs(legs[1 - turn.leg, max(span.start, 0) : span.stop]))
    yield Check(
        f"all {len(dialogue.turns)} sentences at their level", f"{worst_db:.1f} dB off at most", worst_db <= LEVEL_DB
    )
    yield Check("silence while the other speaks", f"{loudest_dbfs:.0f} dBFS at most", loudest_dbfs <= SILENCE_DBFS)
