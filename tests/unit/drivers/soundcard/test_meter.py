"""Levels of a card's lines, and how long nobody has spoken on each."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.taps.soundcard._meter import Meter
from drivers.taps.soundcard._portion import Portion
from drivers.taps.soundcard._vox import VoxRules
from tests.unit.drivers.soundcard.card import Pcm, noise, sine

RATE_HZ = 8000


class Card:
    """Two lines, a pair and a single one; blocks of an odd length."""

    def __init__(self) -> None:
        self.meter = Meter([2, 1], RATE_HZ, VoxRules(hang_s=1))
        self.now_s = 50.0

    def play(self, *legs: Pcm) -> None:
        rows = np.stack(legs)
        for at in range(0, rows.shape[1], 3001):
            block = rows[:, at : at + 3001]
            self.now_s += block.shape[1] / RATE_HZ
            self.meter.take(Portion.of(block), self.now_s)

    def quiet_s(self, line: int) -> float:
        return self.meter.read(self.now_s)[line].quiet_s


def silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * RATE_HZ), np.int16)


def tone(seconds: float, peak: float) -> Pcm:
    return sine(1000, round(seconds * RATE_HZ), RATE_HZ, peak)


def test_each_leg_has_its_level_and_its_peak() -> None:
    card = Card()
    card.play(tone(2, 3276.8), silence(2), tone(2, 327.68))
    pair, single = card.meter.read(card.now_s)
    assert pair.level_dbfs == pytest.approx((-20, -120), abs=0.1)
    assert pair.peak_dbfs == pytest.approx((-20, -120), abs=0.1)
    assert single.level_dbfs == pytest.approx((-40,), abs=0.1)


def test_the_level_is_that_of_the_last_second() -> None:
    card = Card()
    card.play(tone(3, 3276.8), silence(3), silence(3))
    card.play(silence(1.5), silence(1.5), silence(1.5))
    reading = card.meter.read(card.now_s)[0]
    assert reading.level_dbfs == (-120, -120)


def test_a_steady_hum_is_silence_and_voice_on_one_leg_is_none() -> None:
    card = Card()
    hum = tone(20, 400)
    talk = hum.copy()
    talk[5 * RATE_HZ : 8 * RATE_HZ] += noise(3 * RATE_HZ, 4000)
    card.play(hum, talk, hum)
    assert card.quiet_s(0) == pytest.approx(12, abs=0.2)
    assert card.quiet_s(1) == pytest.approx(20, abs=0.2)


def test_a_card_that_is_away_shows_no_level_and_goes_on_to_be_silent() -> None:
    card = Card()
    card.play(tone(2, 3000), tone(2, 3000), silence(2))
    card.meter.break_off()
    card.now_s += 7
    assert [(line.level_dbfs, line.voice) for line in card.meter.read(card.now_s)] == [((), False)] * 2
    assert card.quiet_s(1) == pytest.approx(9, abs=0.1)
