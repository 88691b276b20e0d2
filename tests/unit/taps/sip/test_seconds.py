"""Lost, late and concealed frames by the second."""

from __future__ import annotations

from drivers.taps.sip._meter import Change
from drivers.taps.sip._seconds import MOST_TOLD, Seconds


def test_a_second_that_is_looked_at_twice_adds_up() -> None:
    seconds = Seconds()
    assert seconds.take(4, Change(missing=2)) == {"lost": 2, "late_frames": 0, "concealed_frames": 0}
    assert seconds.take(4, Change(refused=1, dropped_frames=80)) == {
        "lost": 3,
        "late_frames": 80,
        "concealed_frames": 0,
    }
    assert seconds.take(5, Change(silent_frames=160)) == {"lost": 0, "late_frames": 0, "concealed_frames": 160}


def test_a_good_second_is_not_told() -> None:
    assert Seconds().take(1, Change(packets=50)) == {}


def test_past_the_most_the_others_are_counted() -> None:
    seconds = Seconds()
    told = [seconds.take(second, Change(missing=1)) for second in range(MOST_TOLD + 7)]
    assert sum(bool(facts) for facts in told) == MOST_TOLD
    assert seconds.take(MOST_TOLD + 6, Change(missing=1)) == {}
    assert seconds.left_out == 7
