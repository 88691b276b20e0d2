"""The plots of a run, of what was captured in it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from hil.measure import Response, Result, frequency_response, phase_track, spectrum
from hil.report.heat_map import heat_map
from hil.report.svg import Axis, NameAxis, Plot, linear_axis
from hil.rigfile.wiring import limits
from hil.suite.bench import Recording
from hil.suite.captures import Captures, Heard
from hil.suite.program import RESPONSE_HZ, TEST_HZ
from hil.suite.proof import Proof

_FREQUENCIES = (100.0, 200.0, 300.0, 500.0, 1000.0, 2000.0, 3400.0)
_LOWEST_HZ = 50.0
_BINS = 360
_POINTS = 400

_Kept = TypeVar("_Kept", Heard, Recording)
_Made = TypeVar("_Made")
_Curve = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def plots(proof: Proof) -> Iterator[tuple[str, str, str]]:
    """Give title, explanation and SVG of each plot for which there is something."""
    level = [result for result in proof.results if result.name == "level" and result.value is not None]
    if level:
        yield "Level of each line", "against what was played, at 1020 Hz", _levels(proof, level)
    lines: dict[str, Heard] | None = proof.captures.made("lines")
    heard = {line: one for line, one in (lines or {}).items() if one.placed}
    if found := _each(heard, _gains):
        yield "Frequency response", "of each line, against 1020 Hz", _response(proof, found)
    if curves := _each(heard, _tops):
        yield "Spectrum", "of each line with the test tone", _spectrum(proof, curves)
    long: dict[str, Recording] | None = proof.captures.made("long")
    if tracks := _each(long or {}, _track):
        yield "Drift", "of the long tone: how far the recording runs ahead of what was played", _drift(proof, tracks)
    matrix: npt.NDArray[np.float64] | None = proof.captures.made("crosstalk")
    if matrix is not None:
        names = list(proof.captures.numbers)
        high = limits(proof.rig, "crosstalk").high
        says = "a row for each line driven alone, a column for each that listens; the darker, the louder"
        yield "Crosstalk", says, heat_map(matrix, names, high, "crosstalk matrix")


def _each(recorded: Mapping[str, _Kept], make: Callable[[_Kept], _Made]) -> dict[str, _Made]:
    """Make something of each line's recording, without those that hold too little for it."""
    found = {}
    for line, one in recorded.items():
        with contextlib.suppress(ValueError):
            found[line] = make(one)
    return found


def _bad(proof: Proof, *names: str) -> set[str]:
    return {result.line for result in proof.failed if result.name in names}


def _levels(proof: Proof, results: list[Result]) -> str:
    values = [result.value or 0.0 for result in results]
    allowed = limits(proof.rig, "level")
    edges = [one for one in (allowed.low, allowed.high) if one is not None]
    y = linear_axis(
        "dB", min(min(values, default=0), *edges, -0.5) - 0.1, max(max(values, default=0), *edges, 0.5) + 0.1
    )
    lines = NameAxis([result.line for result in results])
    plot = Plot(lines.axis, y, "level of each line", names=lines)
    plot.band(allowed.low, allowed.high)
    for number, result in enumerate(results):
        plot.dot(number, values[number], f"{result.line}: {values[number]:.2f} dB", bad=not result.passed)
        if not result.passed:
            plot.label(number, values[number], result.line)
    return plot.svg()


def _gains(one: Heard) -> Response:
    steps = [one.cut(f"response {hz:g}") for hz in RESPONSE_HZ]
    return frequency_response(steps, RESPONSE_HZ, one.recording.rate_hz, TEST_HZ)


def _response(proof: Proof, found: Mapping[str, Response]) -> str:
    allowed = limits(proof.rig, "response")
    lowest = min(float(gain.gains_db.min()) for gain in found.values())
    highest = max(float(gain.gains_db.max()) for gain in found.values())
    y = linear_axis(
        "dB", max(-24, min(lowest - 0.2, (allowed.low or -1) - 0.5)), max(highest, (allowed.high or 0.5) + 0.5)
    )
    plot = Plot(Axis("Hz", 280, 3600, [300, 500, 1000, 2000, 3400], log=True), y, "frequency response of each line")
    plot.band(allowed.low, allowed.high)
    bad = _bad(proof, "response")
    for line, gain in sorted(found.items(), key=lambda item: item[0] in bad):
        order = np.argsort(gain.frequencies_hz)
        plot.curve(gain.frequencies_hz[order], gain.gains_db[order], line, bad=line in bad)
        if line in bad:
            worst = int(np.abs(gain.gains_db).argmax())
            plot.label(float(gain.frequencies_hz[worst]), float(gain.gains_db[worst]), line)
    return plot.svg()


def _tops(one: Heard) -> _Curve:
    """Give the spectrum by the loudest of each stretch that is a pixel wide."""
    rate_hz = one.recording.rate_hz
    seen = spectrum(one.cut("tone"), rate_hz)
    edges = np.geomspace(_LOWEST_HZ, rate_hz / 2, _BINS + 1)
    first = np.searchsorted(seen.frequencies_hz, edges[:-1])
    end = np.maximum(np.searchsorted(seen.frequencies_hz, edges[1:]), first + 1)
    tops = [float(seen.levels_dbfs[a:b].max(initial=-120)) for a, b in zip(first, end, strict=True)]
    return np.sqrt(edges[:-1] * edges[1:]), np.array(tops)


def _spectrum(proof: Proof, curves: Mapping[str, _Curve]) -> str:
    highest_hz = max(one.recording.rate_hz for one in proof.captures.lines.values()) / 2
    ticks = [hz for hz in (*_FREQUENCIES, 7000.0) if hz <= highest_hz]
    says = "spectrum of each line with the test tone"
    plot = Plot(Axis("Hz", _LOWEST_HZ, highest_hz, ticks, log=True), linear_axis("dBFS", -120, 0), says)
    _draw(plot, curves, _bad(proof, "thd_n", "noise", "weighted_noise", "noise_dbm0p"))
    return plot.svg()


def _track(one: Recording) -> _Curve:
    track = phase_track(Captures.cut_long(one), one.rate_hz, TEST_HZ)
    step = max(1, track.times_s.size // _POINTS)
    return track.times_s[::step], track.ahead_us[::step]


def _drift(proof: Proof, tracks: Mapping[str, _Curve]) -> str:
    low = min(float(ahead.min()) for _, ahead in tracks.values())
    high = max(float(ahead.max()) for _, ahead in tracks.values())
    ends_s = max(float(times[-1]) for times, _ in tracks.values())
    plot = Plot(linear_axis("s", 0, ends_s), linear_axis("µs", min(low, -10), max(high, 10)), "drift of each line")
    _draw(plot, tracks, _bad(proof, "drop_outs", "clock", "drift", "lost"))
    return plot.svg()


def _draw(plot: Plot, curves: Mapping[str, _Curve], bad: set[str]) -> None:
    """Draw the curves of lines, the bad ones above, with their names at the end."""
    for line, (xs, ys) in sorted(curves.items(), key=lambda item: item[0] in bad):
        plot.curve(xs, ys, line, bad=line in bad)
        if line in bad:
            plot.label(float(xs[-1]), float(ys[-1]), line)
