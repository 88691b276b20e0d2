"""What the bench recorded, each capture made once, when the first test asks for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Final, TypeVar, final

import numpy as np
import numpy.typing as npt

from appliance.audio.measure import find_tone
from hil.measure import AUDIBLE_DBFS, Placed, crosstalk_matrix, find_placed
from hil.rigfile import Wire
from hil.suite.bench import Bench, Recording
from hil.suite.errors import BenchError
from hil.suite.memory import MemorySink, Pcm
from hil.suite.program import TEST_HZ, Program, crosstalk_program, lines_program, sweep, tone, voice_wave

_T = TypeVar("_T")

WORDS_S: Final = (0.8, 0.5)
VOX: Final = {"vox_hang_s": 1.0, "vox_preroll_s": 0.5}
_VOX_PAUSE_S: Final = 2.5


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Heard:
    """A line's recording of a program; ``placed`` is None where the program is not in it."""

    recording: Recording
    program: Program
    placed: Placed | None

    def cut(self, name: str) -> Pcm:
        """Give a segment. Raises ValueError where nothing is heard, or too little."""
        if self.placed is None:
            raise ValueError("what was played is not heard")
        return self.program.cut(self.recording.pcm, self.placed.frame, self.recording.rate_hz, name)


@final
class Captures:
    """Captures of a rig. Each property raises BenchError where the bench cannot make it, every time it is asked."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self._made: dict[str, Any] = {}

    @property
    def numbers(self) -> dict[str, int]:
        """Number of each line, from 0, in the order of the rig file."""
        return {wire.line: number for number, wire in enumerate(self.bench.wires)}

    def level_dbfs(self, wire: Wire) -> float:
        """Level of the test tone at the line's output: less where the card would be driven to its end."""
        return self.bench.rig.run.level_dbfs - max(0.0, wire.gain_db)

    @property
    def lines(self) -> dict[str, Heard]:
        """Every line, each with the same program."""
        return self._once("lines", lambda: self._program(lines_program(self.bench.rig.run.quiet_s)))

    @property
    def crosstalk(self) -> npt.NDArray[np.float64]:
        """See :func:`~hil.measure.crosstalk_matrix`; lines in the order of the rig file."""
        return self._once("crosstalk", self._crosstalk)

    @property
    def long(self) -> dict[str, Recording]:
        """A tone of 1020 Hz for as long as the rig file says."""
        run = self.bench.rig.run
        return self._once(
            "long",
            lambda: self.bench.record(
                lambda wire, rate_hz: tone(TEST_HZ, rate_hz, 1, self.level_dbfs(wire)),
                times=max(1, round(run.continuity_s)),
            ),
        )

    @staticmethod
    def cut_long(recording: Recording) -> Pcm:
        """Give the middle of a long tone: without half a second at each end, where filters and outputs ring.

        Raises ValueError where it is not heard.
        """
        heard = find_tone(recording.pcm, recording.rate_hz)
        if heard.level_dbfs < AUDIBLE_DBFS or abs(heard.frequency_hz - TEST_HZ) > TEST_HZ / 100:
            raise ValueError("the tone is not heard")
        edge = recording.rate_hz // 2
        return recording.pcm[heard.begin_frame + edge : heard.end_frame - edge]

    @property
    def voice(self) -> dict[str, list[MemorySink]]:
        """Calls of each line while words were played into all of them."""
        return self._once(
            "voice",
            lambda: self.bench.wait_for_voice(
                lambda wire, rate_hz: voice_wave(rate_hz, self.level_dbfs(wire), WORDS_S, _VOX_PAUSE_S), **VOX
            ),
        )

    def made(self, name: str) -> Any | None:
        """Give a capture if it was made; None if it was not asked for, or failed."""
        found = self._made.get(name)
        return None if isinstance(found, BenchError) else found

    def _once(self, name: str, make: Callable[[], _T]) -> _T:
        if name not in self._made:
            try:
                self._made[name] = make()
            except BenchError as error:
                self._made[name] = error
        found = self._made[name]
        if isinstance(found, BenchError):
            raise found
        made: _T = found
        return made

    def _program(self, program: Program) -> dict[str, Heard]:
        numbers = self.numbers
        recordings = self.bench.record(
            lambda wire, rate_hz: program.wave(rate_hz, self.level_dbfs(wire), numbers[wire.line])
        )
        return {line: Heard(one, program, find_placed(sweep(one.rate_hz), one.pcm)) for line, one in recordings.items()}

    def _crosstalk(self) -> npt.NDArray[np.float64]:
        program = crosstalk_program(len(self.bench.wires))
        heard = self._program(program)
        known = [one.placed.frame / one.recording.rate_hz for one in heard.values() if one.placed]
        if not known:
            raise BenchError("no line hears what is played")
        rates = {one.recording.rate_hz for one in heard.values()}
        if len(rates) > 1:
            raise BenchError("crosstalk needs cards that store at one rate")
        rate_hz = rates.pop()
        usual = round(float(np.median(known)) * rate_hz)
        slots = [
            [
                program.cut(one.recording.pcm, one.placed.frame if one.placed else usual, rate_hz, f"line {driven}")
                for one in heard.values()
            ]
            for driven in range(len(heard))
        ]
        shortest = min(len(slot) for row in slots for slot in row)
        return crosstalk_matrix([[slot[:shortest] for slot in row] for row in slots], rate_hz, TEST_HZ)
