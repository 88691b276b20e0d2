"""How the page writes values, and the frames of its tables and lists."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator, Sequence
from typing import Final

from hil.measure import Result

NOTHING: Final = "nothing to measure"
_MOST_DIGITS: Final = 6
_SIGN: Final = re.compile(r"(?<!\w)-(?=\d)")


def escape(text: str) -> str:
    """Give text as HTML has it."""
    return html.escape(text)


def value(result: Result) -> str:
    """Give the value with its unit."""
    return NOTHING if result.value is None else f"{number(result)} {result.kind.unit}".strip()


def number(result: Result) -> str:
    """Give the value with its kind's digits, and more where rounding would put it on the other side of its limits."""
    if result.value is None:
        return "none"
    return _rounded(result.value, _digits(result))


def margin(result: Result, *, unit: bool = True) -> str:
    """Give the margin as :func:`number` gives the value, between levels in dB; a dash without one."""
    if result.margin is None or not math.isfinite(result.margin):
        return "–"
    text = _rounded(result.margin, _digits(result))
    of = "dB" if result.kind.unit.startswith("dB") else result.kind.unit
    return f"{text} {of}".strip() if unit else text


def limits(result: Result) -> str:
    """Give the limits with their unit."""
    return minus(f"{result.limits} {result.kind.unit}".strip())


def minus(text: str) -> str:
    """Give numbers the sign that is as wide as a digit; hyphens within names stay."""
    return _SIGN.sub("−", text)


def _digits(result: Result) -> int:
    at = result.value
    if at is None or not math.isfinite(at):
        return 0
    digits = result.kind.digits
    while digits < _MOST_DIGITS and (result.limits.margin(round(at, digits)) >= 0) != result.passed:
        digits += 1
    return digits


def _rounded(at: float, digits: int) -> str:
    text = f"{at:.{digits}f}"
    return minus(text.removeprefix("-") if float(text) == 0 else text)


def table_head(*titles: str, kind: str = "") -> str:
    """Open a table; to be ended by ``TABLE_END``."""
    cells = "".join(f"<th>{title}</th>" for title in titles)
    named = f' class="{kind}"' if kind else ""
    return f"<table{named}><thead><tr>{cells}</tr></thead><tbody>"


TABLE_END: Final = "</tbody></table>"


def bullets(title: str, items: Sequence[str]) -> Iterator[str]:
    """Give a list below a title; nothing without items."""
    if items:
        inside = "".join(f"<li>{escape(item)}</li>" for item in items)
        yield f"<section><h3>{title}</h3><ul>{inside}</ul></section>"


def bad_class(bad: object) -> str:
    """Give the class of what stands out."""
    return ' class="bad"' if bad else ""
