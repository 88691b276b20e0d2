"""The demonstration must not call a wrong recording right."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from appliance.demo.checks import check_call
from appliance.demo.voices import Dialogue, Turn

RATE = 8000
TURN = 2 * RATE


@pytest.fixture
def dialogue() -> Dialogue:
    random = np.random.default_rng(5)
    legs = np.zeros((2, 4 * TURN), np.int16)
    turns = []
    for n in range(4):
        begin, end = n * TURN, n * TURN + TURN - 2000
        legs[n % 2, begin:end] = random.normal(0, 3000, end - begin)
        turns.append(Turn(n % 2, "", begin, end))
    return Dialogue(legs, tuple(turns))


def recorded(dialogue: Dialogue) -> npt.NDArray[np.int16]:
    return np.concatenate((np.zeros((500, 2), np.int16), dialogue.legs.T, np.zeros((1000, 2), np.int16)))


def wrong(legs: npt.NDArray[np.int16], dialogue: Dialogue, rate_hz: int = RATE) -> list[str]:
    return [c.what for c in check_call(legs, rate_hz, dialogue, dialogue.seconds + 0.2) if not c.good]


def test_the_call_as_it_was_said_is_right(dialogue: Dialogue) -> None:
    assert wrong(recorded(dialogue), dialogue) == []


def test_swapped_sides_are_wrong(dialogue: Dialogue) -> None:
    assert "the caller's voice is left" in wrong(recorded(dialogue)[:, ::-1], dialogue)


def test_one_voice_on_both_sides_is_wrong(dialogue: Dialogue) -> None:
    legs = recorded(dialogue)
    legs[:, 1] += legs[:, 0]
    assert "silence while the other speaks" in wrong(legs, dialogue)


def test_a_leg_that_is_late_is_wrong(dialogue: Dialogue) -> None:
    legs = recorded(dialogue)
    legs[:, 1] = np.roll(legs[:, 1], 200)
    assert wrong(legs, dialogue) == ["both legs in step"]


def test_a_missing_sentence_is_wrong(dialogue: Dialogue) -> None:
    legs = recorded(dialogue)
    legs[500 + 2 * TURN : 500 + 3 * TURN, 0] = 0
    assert "all 4 sentences at their level" in wrong(legs, dialogue)


def test_a_call_cut_short_is_wrong(dialogue: Dialogue) -> None:
    assert "as long as the call" in wrong(recorded(dialogue)[:-RATE], dialogue)


def test_mono_is_wrong(dialogue: Dialogue) -> None:
    assert wrong(recorded(dialogue)[:, :1], dialogue) == ["two legs at 8 kHz"]
