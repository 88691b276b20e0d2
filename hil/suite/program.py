"""What is played to be measured: segments after each other, the same on every line but for its own tone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final, final

import numpy as np
import numpy.typing as npt

Wave = npt.NDArray[np.float64]

TEST_HZ: Final = 1020.0  # ITU-T O.132: no harmonic of it falls on a multiple of 8 kHz
RESPONSE_HZ: Final = (
    *(TEST_HZ, 300.0, 350.0, 400.0, 500.0, 600.0, 800.0, 1200.0, 1500.0, 1800.0, 2100.0, 2400.0, 2700.0, 2900.0),
    *(3000.0, 3100.0, 3200.0, 3300.0, 3400.0),
)
GAIN_DB: Final = (0.0, 7.0, -10.0, -20.0, -30.0, -40.0)  # against the level of the test tone, -10 dBFS by default
HIGHEST_DBFS: Final = -3.0
SWEEP_S: Final = 0.5
_EDGE_S: Final = 0.05  # cut off each end of a segment: filters ring, and outputs do not begin to the frame


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Segment:
    """A part of a program. ``make`` gives it at a rate, at a level in dBFS, for a line's number."""

    name: str
    seconds: float
    make: Callable[[int, float, float, int], Wave]


@final
class Program:
    """Segments in order, behind a sweep by which they are found in a recording."""

    def __init__(self, *segments: Segment) -> None:
        self._segments = (Segment("sweep", SWEEP_S, _sweep), Segment("pause", 0.2, _silence), *segments)
        self.seconds = sum(one.seconds for one in self._segments)

    def wave(self, rate_hz: int, level_dbfs: float, line: int) -> Wave:
        """Give the whole program for a line."""
        return np.concatenate([one.make(rate_hz, one.seconds, level_dbfs, line) for one in self._segments])

    def cut(self, pcm: npt.NDArray[np.int16], at_frame: int, rate_hz: int, name: str) -> npt.NDArray[np.int16]:
        """Give a segment of a recording in which the program begins at ``at_frame``, without its edges.

        Raises ValueError where the recording ends before it.
        """
        at_s = 0.0
        for one in self._segments:
            if one.name == name:
                first = at_frame + round((at_s + _EDGE_S) * rate_hz)
                end = at_frame + round((at_s + one.seconds - _EDGE_S) * rate_hz)
                if first < 0 or end > len(pcm):
                    raise ValueError(f"the recording ends before the {name}")
                return pcm[first:end]
            at_s += one.seconds
        raise KeyError(name)


def sweep(rate_hz: int) -> Wave:
    """Give the sweep at full scale, for finding it."""
    return _sweep(rate_hz, SWEEP_S, 0, 0)


def own_hz(line: int) -> float:
    """Tone of a line's own: 41 Hz from the next, so that the harmonics of one are not another's."""
    return 404.0 + 41.0 * line


def lines_program(quiet_s: float) -> Program:
    """All that is measured of each line while every line plays the same."""
    return Program(
        Segment("own", 0.6, lambda rate, s, level, line: tone(own_hz(line), rate, s, level)),
        Segment("tone", 1.1, _tone_of(TEST_HZ)),
        *(Segment(f"gain {db:g}", 0.4, _tone_of(TEST_HZ, db)) for db in GAIN_DB),
        *(Segment(f"response {hz:g}", 0.2, _tone_of(hz)) for hz in RESPONSE_HZ),
        Segment("settle", 0.3, _silence),
        Segment("quiet", quiet_s, _silence),
    )


def crosstalk_program(lines: int) -> Program:
    """Each line alone in turn, while the others are driven by silence."""
    return Program(*(Segment(f"line {n}", 0.4, _only(n)) for n in range(lines)))


def voice_wave(rate_hz: int, level_dbfs: float, words_s: tuple[float, ...], pause_s: float) -> Wave:
    """Give words: bursts of noise with the pauses of speech between, the first after a pause."""
    draw = np.random.default_rng(1)
    parts = []
    for seconds in words_s:
        parts.append(np.zeros(round(pause_s * rate_hz)))
        parts.append(10 ** (level_dbfs / 20) * draw.uniform(-1, 1, round(seconds * rate_hz)))
    return np.concatenate([*parts, np.zeros(round(pause_s * rate_hz))])


def tone(frequency_hz: float, rate_hz: int, seconds: float, level_dbfs: float) -> Wave:
    """Give a sine from phase 0 on."""
    turns = frequency_hz / rate_hz * np.arange(round(seconds * rate_hz))
    return np.asarray(10 ** (level_dbfs / 20) * np.sin(2 * np.pi * turns), dtype=np.float64)


def _tone_of(hz: float, against_db: float = 0) -> Callable[[int, float, float, int], Wave]:
    return lambda rate, seconds, level, _: tone(hz, rate, seconds, min(level + against_db, HIGHEST_DBFS))


def _only(driven: int) -> Callable[[int, float, float, int], Wave]:
    return lambda rate, seconds, level, line: (
        tone(TEST_HZ, rate, seconds, level) if line == driven else _silence(rate, seconds, level, line)
    )


def _silence(rate_hz: int, seconds: float, _level: float, _line: int) -> Wave:
    return np.zeros(round(seconds * rate_hz))


def _sweep(rate_hz: int, seconds: float, level_dbfs: float, _line: int) -> Wave:
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    turns = 300 * t + (3000 - 300) / seconds * t**2 / 2
    return np.asarray(10 ** (level_dbfs / 20) * np.sin(2 * np.pi * turns), dtype=np.float64)
