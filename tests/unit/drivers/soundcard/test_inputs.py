from __future__ import annotations

import math

import numpy as np
import pytest

from drivers.taps.soundcard import LineOptions
from drivers.taps.soundcard._inputs import Inputs
from drivers.taps.soundcard._portion import Level, Portion
from tests.unit.drivers.soundcard.card import Pcm, noise, sine


def plain(name: str, *inputs: int, gain_db: float = 0) -> LineOptions:
    return LineOptions(name=name, inputs=inputs, gain_db=gain_db, dc_removal=False)


def portion(pcm: Pcm) -> Portion:
    return Portion.of(pcm[None, :])


def cut(pcm: Pcm, lengths: list[int]) -> list[Pcm]:
    return np.split(pcm, np.cumsum(lengths))


def test_rows_follow_the_lines_and_not_the_channels_bit_for_bit() -> None:
    pcm = np.random.default_rng(3).integers(-32768, 32767, (500, 4), np.int16, endpoint=True)
    rows = Inputs([plain("a", 4), plain("b", 3, 1), plain("c", 1)], 8000).take(pcm).pcm
    np.testing.assert_array_equal(rows, pcm[:, [3, 2, 0, 0]].T)
    assert all(row.flags.c_contiguous for row in rows)


def test_gain_is_of_its_line_alone_and_clips() -> None:
    pcm = np.stack([sine(500, 8000, 8000, 4000), sine(500, 8000, 8000, 30000)], axis=1)
    quiet, loud = Inputs([plain("a", 1, gain_db=6.0206), plain("b", 2, gain_db=6.0206)], 8000).take(pcm).pcm
    assert np.abs(quiet - 2 * pcm[:, 0]).max() <= 1
    assert (loud.min(), loud.max()) == (-32768, 32767)


def test_a_constant_part_is_taken_away_and_the_tone_stays() -> None:
    tone = sine(440, 8 * 8000, 8000)
    pcm = np.stack([tone + 900, tone - 3000], axis=1).astype(np.int16)
    inputs = Inputs([LineOptions(name="a", inputs=(1,)), plain("b", 2)], 8000)
    lengths = [*np.random.default_rng(4).integers(100, 600, 100)]
    row, untouched = np.concatenate([inputs.take(block).pcm for block in cut(pcm, lengths)], axis=1)
    np.testing.assert_array_equal(untouched, pcm[:, 1])
    settled = slice(2 * 8000, None)
    shifted = row[settled].astype(int) - tone[settled]
    assert np.abs(shifted).max() < 20
    assert np.abs(shifted[-8000:]).max() <= 3
    assert np.abs(np.diff(shifted)).max() <= 1, "a step between blocks"


def test_what_has_no_constant_part_stays_bit_for_bit() -> None:
    pcm = sine(500, 8000, 8000)[:, None]
    inputs = Inputs([LineOptions(name="a", inputs=(1,))], 8000)
    rows = np.concatenate([inputs.take(block).pcm for block in np.split(pcm, 5)], axis=1)
    np.testing.assert_array_equal(rows[0], pcm[:, 0])


@pytest.mark.parametrize("peak", [32767, 3277])
def test_a_full_scale_sine_is_0_dbfs(peak: int) -> None:
    level = Level()
    for block in cut(sine(1000, 8000, 8000, peak), [100, 7, 3000]):
        level.take(portion(block), 0)
    facts = level.facts(3.14)
    expected_dbfs = 20 * math.log10(peak / 32768)
    assert facts["level_dbfs"] == pytest.approx(expected_dbfs, abs=0.02)
    assert facts["peak_dbfs"] == pytest.approx(expected_dbfs, abs=0.02)
    assert facts["level_dbm0"] == pytest.approx(expected_dbfs + 3.14, abs=0.02)


def test_clipped_frames_are_counted_and_silence_has_no_level() -> None:
    level = Level()
    level.take(portion(np.zeros(800, np.int16)), 0)
    assert level.facts(None) == {"clipped_frames": 0}
    level.take(portion(np.array([0, 32767, -32768, 5], np.int16)), 0)
    assert level.facts(None)["clipped_frames"] == 2
    assert "level_dbm0" not in level.facts(None)
    level.take(portion(noise(100, 50)), 0)
    assert level.facts(None)["clipped_frames"] == 2
