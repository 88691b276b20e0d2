"""The resampler's filters: flat where speech is, quiet where it would fold, in time, the same in any blocks."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.taps.soundcard._fir import Fir, first_factor
from drivers.taps.soundcard._portion import Pcm, Samples

PEAK = 16000.0
RATES = [(48000, 8000), (32000, 8000), (16000, 8000), (32000, 16000)]


def tones(frequencies_hz: list[float], rate_hz: int) -> Pcm:
    at_s = np.arange(rate_hz) / rate_hz
    waves = [np.rint(PEAK * np.sin(2 * np.pi * hz * at_s)) for hz in frequencies_hz]
    return np.stack(waves, axis=1).astype(np.int16)


def filtered(pcm: Pcm, card_hz: int, line_hz: int) -> Samples:
    factor = first_factor(card_hz, line_hz)
    assert factor is not None
    fir = Fir(factor, pcm.shape[1])
    return np.concatenate([fir.take(pcm), fir.flush()])


def level_db(samples: Samples) -> float:
    return float(20 * np.log10(samples[100:-100].std() * np.sqrt(2) / PEAK))


@pytest.mark.parametrize(("card_hz", "line_hz"), RATES)
def test_what_speech_needs_is_flat_and_in_time(card_hz: int, line_hz: int) -> None:
    frequencies_hz = [parts * line_hz for parts in (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.415, 0.425)]
    got = filtered(tones(frequencies_hz, card_hz), card_hz, line_hz)
    assert len(got) == line_hz
    wanted = PEAK * np.sin(2 * np.pi * np.outer(np.arange(line_hz) / line_hz, frequencies_hz))
    for channel in range(len(frequencies_hz)):
        assert level_db(got[:, channel]) == pytest.approx(0, abs=0.04)
        assert np.abs(got - wanted)[100:-100, channel].max() < PEAK * 0.005


@pytest.mark.parametrize(("card_hz", "line_hz"), RATES)
def test_what_would_fold_into_speech_is_held_off(card_hz: int, line_hz: int) -> None:
    edge_hz = round(0.575 * line_hz)
    frequencies_hz = [float(hz) for hz in np.linspace(edge_hz, card_hz / 2 - 100, 16)]
    folded = [min(hz % line_hz, -hz % line_hz) for hz in frequencies_hz]
    got = filtered(tones(frequencies_hz, card_hz), card_hz, line_hz)
    for channel, hz in enumerate(folded):
        if hz < 0.425 * line_hz:
            assert level_db(got[:, channel]) < -64


def test_blocks_of_any_length_give_the_same() -> None:
    pcm = tones([440.0, 1000.0, 3000.0], 48000)
    whole = filtered(pcm, 48000, 8000)
    random, fir = np.random.default_rng(8), Fir(3, 3)
    parts, at = [], 0
    while at < len(pcm):
        frames = int(random.integers(0, 1200))
        parts.append(fir.take(pcm[at : at + frames]))
        at += frames
    parts.append(fir.flush())
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("frames", [0, 1, 5, 6, 7, 600])
def test_no_frame_is_lost_at_the_end_and_none_is_left_for_what_follows(frames: int) -> None:
    fir = Fir(3, 2)
    block = np.full((frames, 2), 1000, np.int16)
    assert sum(len(fir.take(block)) + len(fir.flush()) for _ in range(1)) == -(-frames // 6)
    after = fir.take(np.zeros((600, 2), np.int16))
    assert not after.any()


@pytest.mark.parametrize(
    ("card_hz", "line_hz"), [(44100, 8000), (48000, 16000), (8000, 16000), (8000, 8000), (64000, 8000)]
)
def test_other_ratios_are_not_for_these_filters(card_hz: int, line_hz: int) -> None:
    assert first_factor(card_hz, line_hz) is None
