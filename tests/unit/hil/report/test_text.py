from __future__ import annotations

import pytest

from hil.measure import Limits, Result
from hil.report.style import footer
from hil.report.text import margin, minus, number, value

HALF = Limits(-0.5, 0.5)


def level(at: float | None, limits: Limits = HALF) -> Result:
    return Result("level", "desk", at, limits)


def test_a_value_has_the_digits_of_its_kind() -> None:
    assert (value(level(-0.1234)), margin(level(-0.1234))) == ("−0.12 dB", "0.38 dB")
    assert number(level(-0.0001)) == "0.00"
    assert value(Result("drop_outs", "desk", 0, Limits(0, 0))) == "0"


def test_a_value_just_outside_is_not_rounded_to_its_limit() -> None:
    assert (value(level(-0.5004)), margin(level(-0.5004))) == ("−0.5004 dB", "−0.0004 dB")
    assert number(level(0.5)) == "0.50"


@pytest.mark.parametrize("at", [None, float("nan")])
def test_without_a_number_there_is_no_margin(at: float | None) -> None:
    assert margin(level(at)) == "–"
    assert value(level(None)) == "nothing to measure"


def test_without_a_limit_there_is_no_margin() -> None:
    assert margin(level(1.0, Limits())) == "–"


def test_between_levels_there_are_db() -> None:
    assert margin(Result("noise", "desk", -80, Limits(None, -65))) == "15.0 dB"


def test_names_keep_their_hyphens() -> None:
    assert minus("at -10 dBFS, from L1-4: -3…-1 (drop-out)") == "at −10 dBFS, from L1-4: −3…−1 (drop-out)"


def test_nothing_in_a_name_leaves_the_footer() -> None:
    rule = footer('a"}</style>\\b')
    content = rule.split('content:"')[1].split('"')[0]
    assert content.replace(" ", "") == r"a\22\7d\3c\2fstyle\3e\5cb"
