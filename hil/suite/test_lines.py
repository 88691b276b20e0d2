"""Each line by itself, while every line plays the same program."""

from __future__ import annotations

import pytest

from hil import measure
from hil.rigfile import Wire
from hil.rigfile.wiring import limits
from hil.suite.captures import Captures
from hil.suite.conftest import Check
from hil.suite.program import GAIN_DB, HIGHEST_DBFS, RESPONSE_HZ, TEST_HZ, own_hz
from hil.suite.proof import Measured

pytestmark = pytest.mark.rig("lines")


@pytest.mark.measures("channel")
def test_a_line_hears_its_own_output(wire: Wire, captures: Captures, check: Check) -> None:
    def measured() -> Measured:
        heard = captures.lines[wire.line]
        names = list(captures.numbers)
        frequencies = [own_hz(number) for number in range(len(names))]
        found = measure.heard_channel(heard.cut("own"), heard.recording.rate_hz, frequencies)
        if found is None:
            return None, "no line's tone is heard"
        own = captures.numbers[wire.line]
        return found - own, "" if found == own else f"hears what is played into {names[found]}"

    check("channel", wire.line, measured)


@pytest.mark.measures("level")
def test_level(wire: Wire, captures: Captures, check: Check) -> None:
    def measured() -> Measured:
        heard = captures.lines[wire.line]
        found = measure.fit_sine(heard.cut("tone"), heard.recording.rate_hz, TEST_HZ).level_dbfs
        played = captures.level_dbfs(wire)
        remark = f"{played:.2f} dBFS played, {found:.2f} dBFS recorded"
        if wire.card.calibration:
            remark += f" = {found + wire.card.calibration.full_scale_dbm0:.2f} dBm0"
        return found - played - wire.gain_db, remark

    check("level", wire.line, measured)


@pytest.mark.measures("gain_tracking")
def test_gain_tracking(wire: Wire, captures: Captures, check: Check) -> None:
    def measured() -> Measured:
        heard = captures.lines[wire.line]
        level = captures.level_dbfs(wire)
        played = [min(level + db, HIGHEST_DBFS) for db in GAIN_DB]
        steps = [heard.cut(f"gain {db:g}") for db in GAIN_DB]
        deviations = measure.gain_deviations_db(steps, played, heard.recording.rate_hz, TEST_HZ)
        allowed = limits(captures.bench.rig, "gain_tracking")
        worst = measure.worst(deviations, allowed.low, allowed.high)
        return float(deviations[worst]), f"at {played[worst]:g} dBFS"

    check("gain_tracking", wire.line, measured)


@pytest.mark.measures("response")
def test_frequency_response(wire: Wire, captures: Captures, check: Check) -> None:
    def measured() -> Measured:
        found = response(captures, wire)
        allowed = limits(captures.bench.rig, "response")
        worst = measure.worst(found.gains_db, allowed.low, allowed.high)
        return float(found.gains_db[worst]), f"at {found.frequencies_hz[worst]:g} Hz"

    check("response", wire.line, measured)


@pytest.mark.measures("noise")
def test_idle_noise(wire: Wire, captures: Captures, check: Check) -> None:
    check("noise", wire.line, lambda: (measure.noise_dbfs(captures.lines[wire.line].cut("quiet")), ""))


@pytest.mark.measures("weighted_noise")
def test_weighted_noise(wire: Wire, captures: Captures, check: Check) -> None:
    check("weighted_noise", wire.line, lambda: (weighted(captures, wire), ""))


@pytest.mark.rig("calibration")
@pytest.mark.measures("noise_dbm0p")
def test_noise_at_the_calibrated_level(wire: Wire, captures: Captures, check: Check) -> None:
    assert wire.card.calibration is not None
    full_scale_dbm0 = wire.card.calibration.full_scale_dbm0
    check("noise_dbm0p", wire.line, lambda: (weighted(captures, wire) + full_scale_dbm0, ""))


@pytest.mark.measures("thd_n")
def test_distortion(wire: Wire, captures: Captures, check: Check) -> None:
    def measured() -> Measured:
        heard = captures.lines[wire.line]
        return measure.thd_n_percent(heard.cut("tone"), heard.recording.rate_hz, TEST_HZ), ""

    check("thd_n", wire.line, measured)


@pytest.mark.measures("polarity")
def test_polarity(wire: Wire, captures: Captures, check: Check) -> None:
    def measured() -> Measured:
        placed = captures.lines[wire.line].placed
        if placed is None:
            return None, "what was played is not heard"
        found = placed.polarity * wire.polarity
        return found, "" if found == 1 else "the wires are the other way round than the cable says"

    check("polarity", wire.line, measured)


@pytest.mark.measures("latency")
def test_latency(wire: Wire, captures: Captures, check: Check) -> None:
    def measured() -> Measured:
        heard = captures.lines[wire.line]
        if heard.placed is None:
            return None, "what was played is not heard"
        one = heard.recording
        return 1000 * (one.begun_s + heard.placed.frame / one.rate_hz - one.played_s), ""

    check("latency", wire.line, measured)


def response(captures: Captures, wire: Wire) -> measure.Response:
    """Give the line's response. Raises ValueError where nothing is heard."""
    heard = captures.lines[wire.line]
    steps = [heard.cut(f"response {hz:g}") for hz in RESPONSE_HZ]
    return measure.frequency_response(steps, RESPONSE_HZ, heard.recording.rate_hz, TEST_HZ)


def weighted(captures: Captures, wire: Wire) -> float:
    """Give the line's weighted noise in dBFS. Raises ValueError where nothing is heard."""
    heard = captures.lines[wire.line]
    return measure.weighted_noise_dbfs(heard.cut("quiet"), heard.recording.rate_hz)
