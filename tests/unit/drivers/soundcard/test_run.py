from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.taps.soundcard._run import Run


def captured(rate_hz: float, nominal_hz: int, seconds: int, late_s: float = 0.0, reads_a_second: int = 4) -> Run:
    """A card of a true rate, read now and then by a thread that is up to ``late_s`` late."""
    run, random = Run(nominal_hz), np.random.default_rng(7)
    for k in range(1, seconds * reads_a_second + 1):
        due_s = k / reads_a_second
        frames = int(due_s * rate_hz) - run.frames
        run.take(frames, 1000 + due_s + late_s * float(random.random()))
    return run


@pytest.mark.parametrize("ppm", [-180.0, -3.0, 0.0, 37.0, 200.0])
def test_drift_is_found_through_late_reads(ppm: float) -> None:
    run = captured(8000 * (1 + ppm / 1e6), 8000, 600, late_s=0.02)
    assert run.drift_ppm == pytest.approx(ppm, abs=2)


def test_a_day_is_told_by_few_points_and_exactly() -> None:
    run = captured(48000 * (1 + 25e-6), 48000, 86400, late_s=0.01, reads_a_second=1)
    assert run.drift_ppm == pytest.approx(25, abs=0.05)
    assert len(run._drift._points) < 512
    assert run.at_s(run.frames) == pytest.approx(1000 + 86400, abs=0.01)


def test_nothing_is_said_of_drift_before_ten_seconds() -> None:
    assert captured(8000, 8000, 8).drift_ppm is None
    assert captured(8000, 8000, 13).drift_ppm is not None


def test_a_late_first_read_is_mended_by_the_next() -> None:
    run = Run(8000)
    run.take(400, 10.08)
    assert run.first_s == pytest.approx(10.03)
    run.take(400, 10.1)
    assert run.at_s(0) == pytest.approx(10.0)


def test_one_late_read_moves_nothing() -> None:
    run = Run(8000)
    for second in range(1, 40):
        run.take(8000, 10.0 + second + (0.0 if second % 2 else 0.05))
        assert run.at_s(0) == pytest.approx(10.0)


@given(frame=st.integers(0, 10**10), begin_s=st.floats(0, 1e7), rate_hz=st.sampled_from([8000, 44100, 48000]))
def test_a_frame_is_found_at_its_moment(frame: int, begin_s: float, rate_hz: int) -> None:
    run = Run(rate_hz)
    run.take(1, begin_s + 1 / rate_hz)
    assert run.frame_at(run.at_s(frame)) in (frame, frame + 1)
    assert run.frame_at(begin_s - 5) == 0
