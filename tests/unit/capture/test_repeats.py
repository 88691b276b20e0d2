"""A library that says the same twice a second must not fill the log."""

from __future__ import annotations

from appliance.capture.repeats import AGAIN_S, Repeats


def test_a_line_is_told_once_and_then_again_with_its_number() -> None:
    repeats = Repeats()
    said = [repeats.take("no card", second / 2) for second in range(round(2 * AGAIN_S) + 1)]
    assert said[0] == "no card"
    assert set(said[1:-1]) == {""}
    assert said[-1] == f"no card (and {round(2 * AGAIN_S) - 1} times since it was told last)"
    assert repeats.take("no card", AGAIN_S + 0.5) == ""


def test_a_line_that_is_rare_is_told_as_it_is() -> None:
    repeats = Repeats()
    assert [repeats.take("rare", AGAIN_S * n) for n in range(3)] == ["rare"] * 3


def test_other_lines_are_told_and_what_is_kept_has_an_end() -> None:
    repeats = Repeats()
    assert [repeats.take(str(n), 0.0) for n in range(100)] == [str(n) for n in range(100)]
    assert repeats.take("99", 1.0) == ""
    assert repeats.take("0", 1.0) == "0", "told again rather than kept in mind for ever"
