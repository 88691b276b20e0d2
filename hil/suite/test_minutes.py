"""A tone for minutes on every line at once."""

from __future__ import annotations

import pytest

from hil import measure
from hil.rigfile import Wire
from hil.suite.bench import Recording
from hil.suite.captures import Captures
from hil.suite.conftest import Check
from hil.suite.program import TEST_HZ
from hil.suite.proof import Measured

pytestmark = pytest.mark.rig("lines")


@pytest.mark.measures("drop_outs")
def test_a_tone_does_not_break(wire: Wire, captures: Captures, check: Check) -> None:
    def measured() -> Measured:
        one = captures.long[wire.line]
        pcm = captures.cut_long(one)
        breaks = measure.drop_outs(pcm, one.rate_hz, TEST_HZ)
        places = ", ".join(f"{found.at_s:.2f} s ({found.kind})" for found in breaks[:3])
        dry = f"; the output ran dry {one.dry} times" if one.dry else ""
        return len(breaks), f"in {len(pcm) / one.rate_hz:.0f} s{': ' + places if places else ''}{dry}"

    check("drop_outs", wire.line, measured)


@pytest.mark.measures("lost")
def test_the_record_tells_of_no_gap(wire: Wire, captures: Captures, check: Check) -> None:
    def measured() -> Measured:
        one = captures.long[wire.line]
        gaps = ", ".join(f"{lost.reason} at {lost.at_frame / one.rate_hz:.2f} s" for lost in one.lost[:3])
        return 1000 * sum(lost.frames for lost in one.lost) / one.rate_hz, gaps

    check("lost", wire.line, measured)


@pytest.mark.measures("drift")
def test_the_cards_clock_is_the_systems(wire: Wire, captures: Captures, check: Check) -> None:
    def measured() -> Measured:
        found: float | None = captures.long[wire.line].facts.get("drift_ppm")
        return found, "" if found is not None else "the record needs ten seconds to tell: run.continuity_s"

    check("drift", wire.line, measured)


@pytest.mark.measures("clock")
def test_the_tone_comes_at_its_frequency(wire: Wire, captures: Captures, check: Check) -> None:
    def measured() -> Measured:
        one: Recording = captures.long[wire.line]
        return measure.clock_difference_ppm(captures.cut_long(one), one.rate_hz, TEST_HZ), ""

    check("clock", wire.line, measured)
