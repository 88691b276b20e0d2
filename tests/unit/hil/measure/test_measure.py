"""Each measurement against signals of which the truth is known by how they were made."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.audio.measure.continuity import BreakKind
from hil import measure

RATE = 8000
Wave = npt.NDArray[np.float64]

frequencies = st.floats(200, 3500)
rates = st.sampled_from([8000, 16000, 48000])


def sine(hz: float, dbfs: float = -10.0, seconds: float = 1.0, rate_hz: int = RATE, phase: float = 0.3) -> Wave:
    turns = 2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz
    return np.asarray(10 ** (dbfs / 20) * np.sin(turns + phase))


def white(dbfs: float, frames: int, seed: int = 1) -> Wave:
    """Noise of this level: a full-scale sine has 3 dB less than its peak says."""
    return np.random.default_rng(seed).normal(0, 10 ** (dbfs / 20) / math.sqrt(2), frames)


def int16(wave: Wave) -> npt.NDArray[np.int16]:
    return np.round(32768 * wave).clip(-32768, 32767).astype(np.int16)


def sweep(seconds: float = 0.5) -> Wave:
    t = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(0.3 * np.sin(2 * np.pi * (300 * t + (3000 / seconds) * t**2 / 2)))


# --- sine, level, THD+N ---------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(frequencies, st.floats(-60, 0), st.floats(-3, 3), rates, st.floats(-0.2, 0.2))
def test_a_sine_is_fitted_whatever_it_is(hz: float, dbfs: float, phase: float, rate_hz: int, off_hz: float) -> None:
    fitted = measure.fit_sine(sine(hz, dbfs, 0.5, rate_hz, phase) + 0.1, rate_hz, hz + off_hz)
    assert fitted.frequency_hz == pytest.approx(hz, abs=1e-4)
    assert fitted.level_dbfs == pytest.approx(dbfs, abs=1e-3)
    assert math.cos(fitted.phase_rad - phase) == pytest.approx(1, abs=1e-4)
    assert fitted.rest_rms < 1e-4 * fitted.amplitude


@settings(deadline=None, max_examples=30)
@given(st.floats(0.01, 30), st.floats(-40, -3), rates)
def test_known_distortion_is_measured(percent: float, dbfs: float, rate_hz: int) -> None:
    tone = sine(1020.3, dbfs, 1, rate_hz)
    harmonic = sine(3 * 1020.3, dbfs, 1, rate_hz, phase=1) * percent / 100
    truth = 100 * percent / math.hypot(100, percent)
    assert measure.thd_n_percent(tone + harmonic, rate_hz, 1020) == pytest.approx(truth, rel=0.01)


def test_noise_counts_as_distortion() -> None:
    heard = measure.thd_n_percent(sine(1020) + white(-50, RATE), RATE, 1020)
    assert heard == pytest.approx(1.0, rel=0.1)


def test_silence_is_all_distortion_and_no_level() -> None:
    silence = np.zeros(RATE, np.int16)
    assert measure.thd_n_percent(silence, RATE, 1020) == 100
    assert measure.fit_sine(silence, RATE, 1020).level_dbfs == -120


def test_too_short_a_stretch_is_told() -> None:
    with pytest.raises(ValueError, match="too few"):
        measure.fit_sine(np.zeros(10), RATE, 300)


def test_the_spectrum_has_a_tone_at_its_level_and_little_beside_it() -> None:
    seen = measure.spectrum(sine(1000, -10, 1), RATE)
    assert seen.levels_dbfs.max() == pytest.approx(-10, abs=0.01)
    assert seen.frequencies_hz[seen.levels_dbfs.argmax()] == pytest.approx(1000, abs=1)
    assert seen.levels_dbfs[np.abs(seen.frequencies_hz - 1000) > 10].max() < -95


# --- gain and response ----------------------------------------------------------------------------------------------


def test_a_compressor_is_seen_by_its_gain() -> None:
    played = [-10.0, -3.0, -30.0, -50.0]
    steps = [int16(sine(1020, dbfs + (1.2 if dbfs < -40 else 0), 0.4)) for dbfs in played]
    deviations = measure.gain_deviations_db(steps, played, RATE, 1020)
    assert deviations == pytest.approx([0, 0, 0, 1.2], abs=0.05)
    assert measure.worst(deviations, -0.5, 0.5) == 3


@given(st.lists(st.floats(-30, 6), min_size=3, max_size=6))
@settings(deadline=None, max_examples=20)
def test_the_response_is_what_a_filter_does(gains_db: list[float]) -> None:
    hz = [1020.0, *(300.0 + 500 * n for n in range(len(gains_db)))]
    steps = [sine(f, -20 + gain, 0.1) for f, gain in zip(hz, [0.0, *gains_db], strict=True)]
    found = measure.frequency_response(steps, hz, RATE, 1020.0)
    assert found.gains_db == pytest.approx([0, *gains_db], abs=0.01)


def test_a_response_without_its_reference_is_refused() -> None:
    with pytest.raises(ValueError, match="1020"):
        measure.frequency_response([sine(300)], [300.0], RATE, 1020.0)


# --- noise ----------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(st.floats(-90, -20), st.floats(-0.2, 0.2))
def test_known_noise_is_measured_and_dc_is_none(dbfs: float, dc: float) -> None:
    assert measure.noise_dbfs(white(dbfs, 4 * RATE) + dc) == pytest.approx(dbfs, abs=0.2)


# ITU-T O.41, table 1
@pytest.mark.parametrize(("hz", "weight_db"), [(100, -41), (300, -10.6), (800, 0), (1000, 1), (2000, -3), (3500, -8.5)])
def test_noise_is_weighted_as_the_recommendation_says(hz: float, weight_db: float) -> None:
    assert measure.weighted_noise_dbfs(sine(hz, -30, 2), RATE) == pytest.approx(-30 + weight_db, abs=0.15)


def test_hum_counts_little_when_weighted() -> None:
    hum = sine(50, -40, 4) + white(-80, 4 * RATE)
    assert measure.noise_dbfs(hum) == pytest.approx(-40, abs=0.1)
    assert measure.weighted_noise_dbfs(hum, RATE) < -80


def test_digital_silence_has_a_floor() -> None:
    assert measure.noise_dbfs(np.zeros(RATE, np.int16)) == -120
    assert measure.weighted_noise_dbfs(np.zeros(RATE, np.int16), RATE) == -120
    assert measure.noise_dbfs(np.zeros(0)) == -120


# --- other lines ----------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=20)
@given(st.lists(st.lists(st.floats(-90, -20), min_size=4, max_size=4), min_size=4, max_size=4), st.floats(-30, 0))
def test_the_crosstalk_matrix_is_what_was_mixed(truth: list[list[float]], level: float) -> None:
    slots = [[sine(1020, level + (0 if d == n else truth[d][n]), 0.2) for n in range(4)] for d in range(4)]
    found = measure.crosstalk_matrix(slots, RATE, 1020)
    for d in range(4):
        for n in range(4):
            assert found[d, n] == pytest.approx(0 if d == n else truth[d][n], abs=0.05)


def test_swapped_lines_are_no_crosstalk_but_a_short_is() -> None:
    loud, quiet = sine(1020, -10, 0.2), sine(1020, -90, 0.2)
    swapped = measure.crosstalk_matrix([[quiet, loud], [loud, quiet]], RATE, 1020)
    assert [measure.worst_crosstalk(swapped, line)[0] for line in (0, 1)] == pytest.approx([-80, -80], abs=0.1)  # type: ignore[index]
    shorted = measure.crosstalk_matrix([[loud, sine(1020, -11, 0.2)], [quiet, loud]], RATE, 1020)
    for line, db in ((1, -1), (0, -80)):
        found = measure.worst_crosstalk(shorted, line)
        assert found is not None
        assert found[0] == pytest.approx(db, abs=0.1)
        assert found[1] == 1 - line


def test_a_tone_that_nobody_hears_is_nobodys_crosstalk() -> None:
    silence, loud = np.zeros(1600), sine(1020, -10, 0.2)
    found = measure.crosstalk_matrix([[silence, silence], [silence, loud]], RATE, 1020)
    assert np.isnan(found[0]).all()
    assert measure.worst_crosstalk(found, 1) is None


@settings(deadline=None, max_examples=20)
@given(st.permutations(range(6)), st.floats(-50, -3))
def test_swapped_channels_are_told_apart(order: list[int], level: float) -> None:
    hz = [404.0 + 41 * n for n in range(6)]
    assert [measure.heard_channel(int16(sine(hz[n], level)), RATE, hz) for n in order] == order


def test_noise_and_silence_are_no_channel() -> None:
    hz = [404.0 + 41 * n for n in range(6)]
    assert measure.heard_channel(np.zeros(RATE, np.int16), RATE, hz) is None
    assert measure.heard_channel(white(-20, RATE), RATE, hz) is None


# --- time -----------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 9000), st.sampled_from([1, -1]), st.floats(-40, 0), st.floats(-90, -50))
def test_a_sweep_is_placed_and_its_polarity_known(at: int, polarity: int, gain_db: float, noise_db: float) -> None:
    heard = white(noise_db, 20000)
    heard[at : at + sweep().size] += polarity * 10 ** (gain_db / 20) * sweep()
    found = measure.find_placed(sweep(), heard)
    assert found is not None
    assert (found.frame, found.polarity) == (at, polarity)


def test_what_is_not_there_is_not_placed() -> None:
    assert measure.find_placed(sweep(), white(-20, 20000)) is None
    assert measure.find_placed(sweep(), np.zeros(20000, np.int16)) is None


@settings(deadline=None, max_examples=30)
@given(st.floats(-300, 300))
def test_known_drift_is_measured(ppm: float) -> None:
    heard = int16(sine(1020 * (1 + ppm / 1e6), -20, 10))
    assert measure.clock_difference_ppm(heard, RATE, 1020) == pytest.approx(ppm, abs=0.1)
    track = measure.phase_track(heard, RATE, 1020)
    assert track.ahead_us[-1] == pytest.approx(ppm * 10, abs=abs(ppm) * 0.05 + 2)


def test_a_lost_frame_is_no_drift() -> None:
    heard = sine(1020, -20, 10)
    cut = np.concatenate((heard[:30000], heard[30001:]))
    assert measure.clock_difference_ppm(cut, RATE, 1020) == pytest.approx(0, abs=15)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 8), max_size=4), st.integers(1, 3))
def test_every_lost_stretch_is_one_drop_out(at_s: list[int], frames: int) -> None:
    heard = sine(1020, -20, 10)
    places = sorted(set(at_s), reverse=True)
    for second in places:
        heard = np.delete(heard, slice(second * RATE + 11, second * RATE + 11 + frames))
    found = measure.drop_outs(int16(heard), RATE, 1020)
    assert [one.kind for one in found] == [BreakKind.JUMP] * len(places)
    for one, second in zip(found, sorted(places), strict=True):
        assert one.at_s == pytest.approx(second, abs=0.05)


def test_silence_within_and_at_the_ends_is_a_drop_out() -> None:
    heard = sine(1020, -20, 5)
    heard[:2000] = 0
    heard[16000:16400] = 0
    heard[-800:] = 0
    assert [round(one.at_s, 1) for one in measure.drop_outs(int16(heard), RATE, 1020)] == [0, 2, 4.9]


def test_another_tone_or_none_is_told() -> None:
    with pytest.raises(ValueError, match="not 1020"):
        measure.drop_outs(sine(600), RATE, 1020)
    with pytest.raises(ValueError, match="nothing"):
        measure.drop_outs(np.zeros(RATE, np.int16), RATE, 1020)


@pytest.mark.parametrize("lead_s", [0.0, 0.3, 0.55])
def test_the_begin_of_voice_is_found(lead_s: float) -> None:
    heard = white(-60, RATE)
    heard[round(lead_s * RATE) :] += sine(500)[round(lead_s * RATE) :]
    assert measure.first_loud_s(heard, RATE) == pytest.approx(lead_s, abs=0.006)


def test_silence_has_no_begin_of_voice() -> None:
    assert measure.first_loud_s(np.zeros(RATE, np.int16), RATE) is None


# --- results --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "low", "high", "margin"),
    [(0.2, -0.5, 0.5, 0.3), (0.5, -0.5, 0.5, 0), (-70, None, -65, 5), (-60, None, -65, -5), (3, 4, None, -1)],
)
def test_the_margin_is_the_distance_to_the_nearer_limit(
    value: float, low: float | None, high: float | None, margin: float
) -> None:
    result = measure.Result("level", "desk1", value, measure.Limits(low, high))
    assert result.margin == pytest.approx(margin)
    assert result.passed == (margin >= 0)
    assert result.facts()["passed"] == result.passed


@pytest.mark.parametrize("value", [None, math.nan])
def test_nothing_to_measure_fails(value: float | None) -> None:
    result = measure.Result("thd_n", "desk1", value, measure.Limits(None, 1), "no tone")
    assert not result.passed
    assert str(result).startswith("FAIL  desk1: THD+N ")
    assert result.facts()["margin"] is None


def test_a_measurement_has_a_kind() -> None:
    with pytest.raises(ValueError, match="loudness"):
        measure.Result("loudness", "desk1", 0, measure.Limits())
