from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.audio import signals
from appliance.audio.measure import make_tone
from appliance.audio.meter import Meter

RATE = 8000


Pcm = npt.NDArray[np.int16]


def blocks(frames: int, *columns: Pcm) -> list[Pcm]:
    whole = np.stack(columns, axis=1)
    return [whole[at : at + frames] for at in range(0, len(whole), frames)]


@settings(max_examples=20)
@given(st.integers(50, 4000), st.floats(-60, -1))
def test_the_level_is_that_of_the_tone_however_it_comes(frames: int, level: float) -> None:
    meter = Meter(2, RATE)
    for block in blocks(frames, make_tone(1000, RATE, RATE, level), np.zeros(RATE, np.int16)):
        meter.take(block)
    loud, quiet = meter.read()
    assert loud.level_dbfs == pytest.approx(level, abs=0.1)
    assert loud.peak_dbfs == pytest.approx(level, abs=0.1)
    assert (quiet.level_dbfs, quiet.peak_dbfs, quiet.clips) == (-120, -120, 0)


def test_a_peak_is_held_for_two_seconds_and_clips_are_counted_for_good() -> None:
    meter = Meter(1, RATE)
    meter.take(np.array([[32767], [-32768], [0]], np.int16))
    for seconds, peak in ((1.5, 0), (1.0, -120)):
        meter.take(np.zeros((round(seconds * RATE), 1), np.int16))
        assert meter.read()[0].peak_dbfs == pytest.approx(peak, abs=0.01)
    assert meter.read()[0].clips == 2


def test_nothing_yet_is_no_level() -> None:
    assert [one.level_dbfs for one in Meter(3, RATE).read()] == [-120] * 3


@given(st.floats(20, 3900), st.integers(7, 1000))
def test_a_sine_goes_on_from_block_to_block(hz: float, frames: int) -> None:
    wave = signals.sine(hz, RATE, frames, -6)
    got = np.concatenate([next(wave) for _ in range(5)])
    assert got == pytest.approx(10 ** (-6 / 20) * np.sin(2 * np.pi * hz / RATE * np.arange(5 * frames)), abs=1e-9)


def test_a_sweep_starts_anew_without_a_step() -> None:
    wave = signals.sweep(300, 3400, 0.5, RATE, 1000, -6)
    got = np.concatenate([next(wave) for _ in range(12)])
    assert np.abs(np.diff(got)).max() <= 0.5012 * 2 * np.sin(np.pi * 3400 / RATE) + 1e-6
    turns = np.count_nonzero(np.diff(np.signbit(got[:400]).astype(int)) > 0)
    assert turns + 1 >= 300 * 0.05
    assert turns < 400 * 0.05
    assert np.count_nonzero(np.diff(np.signbit(got[3600:4000]).astype(int)) > 0) > 2500 * 0.05


def test_noise_has_the_level_of_a_sine_of_that_name() -> None:
    meter = Meter(1, RATE)
    wave = signals.noise(800, -20)
    for _ in range(20):
        meter.take(signals.to_pcm(next(wave))[:, None])
    assert meter.read()[0].level_dbfs == pytest.approx(-20, abs=0.3)
    assert not next(signals.silence(10)).any()
