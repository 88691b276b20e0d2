"""The plots of a run, of what was captured in it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from hil.measure import Response, Result, frequency_response, phase_track, spectrum
from hil.report.svg import Axis, Plot, heat_map, linear_axis
from hil.rigfile.wiring import limits
from hil.suite.captures import Captures, Heard
from hil.suite.program import RESPONSE_HZ, TEST_HZ
from hil.suite.proof import Proof

_FREQUENCIES = (100.0, 200.0, 300.0, 500.0, 1000.0, 2000.0, 3400.0)
_BINS = 360
_POINTS = 400


def plots(proof: Proof) -> Iterator[tuple[str, str, str]]:
    """Give title, explanation and SVG of each plot for which there is something."""
    level = [result for result in proof.results if result.name == "level" and result.value is not None]
    if level:
        yield "Level of each line", "against what was played, at 1020 Hz", _levels(proof, level)
    lines: dict[str, Heard] | None = proof.captures.made("lines")
    heard = {line: one for line, one in (lines or {}).items() if one.placed}
    if heard:
        yield "Frequency response", "of each line, against 1020 Hz", _response(proof, heard)
        yield "Spectrum", "of each line with the test tone", _spectrum(proof, heard)
    matrix: npt.NDArray[np.float64] | None = proof.captures.made("crosstalk")
    if matrix is not None:
        names = list(proof.captures.numbers)
        high = limits(proof.rig, "crosstalk").high
        says = "a row for each line driven alone, a column for each that listens; the darker, the louder"
        yield "Crosstalk", says, heat_map(matrix, names, high, "crosstalk matrix")
    if proof.captures.made("long"):
        yield "Drift", "of the long tone: how far the recording runs ahead of what was played", _drift(proof)


def _bad(proof: Proof, *names: str) -> set[str]:
    return {result.line for result in proof.failed if result.name in names}


def _levels(proof: Proof, results: list[Result]) -> str:
    values = [result.value or 0.0 for result in results]
    allowed = limits(proof.rig, "level")
    edges = [one for one in (allowed.low, allowed.high) if one is not None]
    count = len(results)
    y = linear_axis(
        "dB", min(min(values, default=0), *edges, -0.5) - 0.1, max(max(values, default=0), *edges, 0.5) + 0.1
    )
    ticks = range(0, count, max(1, count // 16))
    plot = Plot(Axis("line", -0.5, count - 0.5, list(ticks)), y, "level of each line")
    plot.band(allowed.low, allowed.high)
    for number, result in enumerate(results):
        plot.dot(number, values[number], f"{result.line}: {values[number]:.2f} dB", bad=not result.passed)
        if not result.passed:
            plot.label(number, values[number], result.line)
    return plot.svg(lambda number: results[int(number)].line)


def _response(proof: Proof, heard: dict[str, Heard]) -> str:
    found: dict[str, Response] = {}
    for line, one in heard.items():
        steps = [one.cut(f"response {hz:g}") for hz in RESPONSE_HZ]
        found[line] = frequency_response(steps, RESPONSE_HZ, one.recording.rate_hz, TEST_HZ)
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


def _spectrum(proof: Proof, heard: dict[str, Heard]) -> str:
    highest_hz = max(one.recording.rate_hz for one in heard.values()) / 2
    plot = Plot(
        Axis("Hz", 50, highest_hz, [hz for hz in (*_FREQUENCIES, 7000.0) if hz <= highest_hz], log=True),
        linear_axis("dBFS", -120, 0),
        "spectrum of each line with the test tone",
    )
    bad = _bad(proof, "thd_n", "noise", "weighted_noise", "noise_dbm0p")
    for line, one in sorted(heard.items(), key=lambda item: item[0] in bad):
        seen = spectrum(one.cut("tone"), one.recording.rate_hz)
        edges = np.geomspace(50, one.recording.rate_hz / 2, _BINS + 1)
        first = np.searchsorted(seen.frequencies_hz, edges[:-1])
        end = np.maximum(np.searchsorted(seen.frequencies_hz, edges[1:]), first + 1)
        tops = [float(seen.levels_dbfs[a:b].max(initial=-120)) for a, b in zip(first, end, strict=True)]
        plot.curve(np.sqrt(edges[:-1] * edges[1:]), np.array(tops), line, bad=line in bad)
    for number, line in enumerate(sorted(bad & set(heard))[:4]):
        plot.label(60, -12 - 9 * number, line)
    return plot.svg()


def _drift(proof: Proof) -> str:
    tracks = {}
    for line, one in proof.captures.long.items():
        try:
            track = phase_track(Captures.cut_long(one), one.rate_hz, TEST_HZ)
        except ValueError:
            continue
        step = max(1, track.times_s.size // _POINTS)
        tracks[line] = (track.times_s[::step], track.ahead_us[::step])
    if not tracks:
        return ""
    low = min(float(ahead.min()) for _, ahead in tracks.values())
    high = max(float(ahead.max()) for _, ahead in tracks.values())
    ends_s = max(float(times[-1]) for times, _ in tracks.values())
    plot = Plot(linear_axis("s", 0, ends_s), linear_axis("µs", min(low, -10), max(high, 10)), "drift of each line")
    bad = _bad(proof, "drop_outs", "clock", "drift", "lost")
    for line, (times, ahead) in sorted(tracks.items(), key=lambda item: item[0] in bad):
        plot.curve(times, ahead, line, bad=line in bad)
    for line in sorted(bad & set(tracks))[:4]:
        times, ahead = tracks[line]
        plot.label(float(times[-1]), float(ahead[-1]), line)
    return plot.svg()
