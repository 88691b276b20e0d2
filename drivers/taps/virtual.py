"""Lines that carry known tones, for rigs without hardware and for tests.

Line n (from 0) carries a sine of 300 + 50 n Hz on leg 0, the caller, and one of 1000 + 50 n Hz on leg 1, the agent. A
tone that would reach half the rate begins again at its base: at 8 kHz the agent's from line 60 on. The tones run
through from the moment at which the tap was opened, whoever records them: their phase tells a lost or doubled frame.

A full-scale sine is 0 dBFS, as AES17 has it: at -16 dBFS the peaks reach 0.1585 of full scale (the RMS over the
samples alone is 3 dB lower, -19.0 dB re full scale, which is what some programs show).
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
import wave
from pathlib import Path
from typing import Annotated, ClassVar, Final, final

import numpy as np
import numpy.typing as npt
import pydantic

from drivers.clocked import ClockedTap, Source
from drivers.contract import (
    CallAnswered,
    CallLeft,
    Capabilities,
    Line,
    LineBusyError,
    LineIdleError,
    LossReason,
    PlayEnded,
    TapError,
    TapEvent,
    TapOptions,
    WorkerPlan,
)

_BASES_HZ: Final = (300, 1000)
_STEP_HZ: Final = 50


def tone_hz(line: int, leg: int, rate_hz: int) -> int:
    """Frequency of the tone on a leg of line ``line``, which counts from 0."""
    base_hz = _BASES_HZ[leg]
    tones = math.ceil((rate_hz / 2 - base_hz) / _STEP_HZ)
    return base_hz + _STEP_HZ * (line % tones)


@final
class Tone:
    """A sine, as a table long enough that any block up to a second is one slice of it."""

    end: None = None

    def __init__(self, frequencies_hz: tuple[int, ...], rate_hz: int, peak: float) -> None:
        self._periods = [rate_hz // math.gcd(rate_hz, f) for f in frequencies_hz]  # frames until it repeats exactly
        self._tables = [
            _table(f, rate_hz, peak, period + rate_hz) for f, period in zip(frequencies_hz, self._periods, strict=True)
        ]

    def first(self, clock_frame: int) -> int:
        """The tones follow the tap's clock."""
        return clock_frame

    def read(self, leg: int, frame: int, frames: int) -> npt.NDArray[np.int16]:
        """Give a view of the table."""
        at = frame % self._periods[leg]
        return self._tables[leg][at : at + frames]


def _table(frequency_hz: int, rate_hz: int, peak: float, frames: int) -> npt.NDArray[np.int16]:
    # Whole turns are taken off in integers first: equal phases give equal samples, however far on.
    turns = (np.arange(frames, dtype=np.int64) * frequency_hz) % rate_hz / rate_hz
    return np.round(peak * 32767 * np.sin(2 * np.pi * turns)).astype(np.int16)


class VirtualOptions(TapOptions):
    """Options of a virtual tap."""

    lines: Annotated[int, pydantic.Field(ge=1, le=1000, description="number of lines")] = 8
    rate_hz: Annotated[int, pydantic.Field(ge=4000, le=48000, multiple_of=50, description="frames a second")] = 8000
    legs: Annotated[int, pydantic.Field(ge=1, le=2, description="1: the caller's tone alone; 2: caller and agent")] = 2
    level_dbfs: Annotated[
        float, pydantic.Field(ge=-90, le=0, description="level of the tones; a full-scale sine is 0 dBFS (AES17)")
    ] = -16
    workers: Annotated[int, pydantic.Field(ge=1, le=100, description="processes that share the lines")] = 1


@final
class Tap(ClockedTap):
    """Tones in real time, and faults when asked for."""

    Options: ClassVar[type[VirtualOptions]] = VirtualOptions
    capabilities: ClassVar[Capabilities] = Capabilities(bit_exact=True, simulates=True, dials=True, speaks=True)

    @classmethod
    def plan(cls, options: VirtualOptions) -> list[WorkerPlan]:
        """Share the lines out to the workers, in order."""
        lines = [Line(str(n), options.legs, options.rate_hz) for n in range(options.lines)]
        share = math.ceil(len(lines) / options.workers)
        shares = [lines[at : at + share] for at in range(0, len(lines), share)]
        return [WorkerPlan(k, tuple(taken)) for k, taken in enumerate(shares)]

    def __init__(self, options: VirtualOptions, plan: WorkerPlan) -> None:
        super().__init__(plan)
        self._options = options
        self._dialled: dict[str, float | None] = {}  # when the file on the line ends, None where none is played

    def load(self) -> dict[str, Source]:
        """Make the tones of every line."""
        return {line.name: self._tone(int(line.name)) for line in self.lines()}

    def simulate(self, line: str, fault: str, amount: float) -> None:
        """Make a fault happen.

        ``stall``: no frames for ``amount`` seconds; ``overflow``: ``amount`` frames are lost; ``drop``: the line goes
        away and its session ends; ``die``: the process ends at once, as by a crash. Raises TapError for any other.
        """
        match fault:
            case "stall" | "overflow" if not 0 < amount < math.inf:
                raise TapError(f"{fault} needs an amount above 0, not {amount}")
            case "stall":
                self.lose(line, round(amount * self._options.rate_hz), LossReason.STALLED)
            case "overflow":
                self.lose(line, round(amount), LossReason.OVERFLOW)
            case "drop":
                self.drop(line, "line dropped")
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case _:
                raise TapError(f"no fault {fault!r}; there are stall, overflow, drop, die")

    def dial(self, line: str, number: str, barge_code: str) -> None:
        """Call a phone, which takes the call at once: there is none. A number that begins with 0 does not answer."""
        del barge_code
        self._line(line)
        if line in self._dialled or self.captures(line):
            raise LineBusyError(f"line {line} is in use")
        self._dialled[line] = None
        if number.startswith("0"):
            self.hang_up(line, "no answer")
        else:
            self._tell(CallAnswered(line=line))

    def play(self, line: str, file: Path) -> None:
        """Take as long as the file lasts; nobody hears it."""
        self._line(line)
        if line not in self._dialled:
            raise LineIdleError(f"line {line} has no call")
        with contextlib.closing(wave.open(str(file), "rb")) as opened:
            self._dialled[line] = time.monotonic() + opened.getnframes() / opened.getframerate()

    def hang_up(self, line: str, reason: str) -> None:
        """End a call that was dialled."""
        if line not in self._dialled:
            super().hang_up(line, reason)
        del self._dialled[line]
        self._tell(CallLeft(line=line, session="", reason=reason))

    def poll(self) -> None:
        """Tell which files are over."""
        super().poll()
        for line, until_s in self._dialled.items():
            if until_s is not None and time.monotonic() >= until_s:
                self._dialled[line] = None
                self._tell(PlayEnded(line=line))

    def _tell(self, fact: TapEvent) -> None:
        if self._host is not None:
            self._host.emit(fact)

    def _tone(self, line: int) -> Tone:
        rate_hz = self._options.rate_hz
        frequencies_hz = tuple(tone_hz(line, leg, rate_hz) for leg in range(self._options.legs))
        return Tone(frequencies_hz, rate_hz, 10 ** (self._options.level_dbfs / 20))
