"""Plots as inline SVG: axes, curves, dots and a heat map, by a few lines of our own.

A plotting library would be many times the size of the product for four pictures. Coordinates are in a box of
``WIDTH`` by ``HEIGHT``; text and lines take their colour from the page's style sheet.
"""

from __future__ import annotations

import dataclasses
import html
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final, final

import numpy as np
import numpy.typing as npt

WIDTH: Final = 720
HEIGHT: Final = 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 12, 42

Values = npt.NDArray[np.float64]


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Axis:
    """From ``low`` to ``high``, with ticks; ``log`` for frequencies."""

    title: str
    low: float
    high: float
    ticks: Sequence[float]
    log: bool = False

    def place(self, value: float) -> float:
        """Where a value is, 0 to 1; outside of the axis it is at its end."""
        if self.log:
            value, low, high = math.log(max(value, 1e-9)), math.log(self.low), math.log(self.high)
        else:
            low, high = self.low, self.high
        return min(1.0, max(0.0, (value - low) / (high - low)))


def linear_axis(title: str, low: float, high: float) -> Axis:
    """Give an axis with about six ticks at round numbers."""
    if high - low < 1e-9:
        low, high = low - 1, high + 1
    step = 10 ** math.floor(math.log10((high - low) / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= 8)
    low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return Axis(title, low, high, [round(low + n * step, 9) for n in range(round((high - low) / step) + 1)])


@final
class Plot:
    """A plot; :meth:`svg` gives it."""

    def __init__(self, x: Axis, y: Axis, says: str) -> None:
        self._x, self._y = x, y
        self._says = says
        self._marks: list[str] = []

    def band(self, low: float | None, high: float | None) -> None:
        """Shade what is out of the limits."""
        for part, a, b in (("high", high, self._y.high), ("low", self._y.low, low)):
            if a is None or b is None or not a < b:
                continue
            top, bottom = self._at_y(b), self._at_y(a)
            self._marks.append(
                f'<rect class="out" x="{_LEFT}" y="{top:.1f}" width="{WIDTH - _LEFT - _RIGHT}" '
                f'height="{max(0, bottom - top):.1f}"/>'
            )
            edge = bottom if part == "high" else top
            self._marks.append(
                f'<line class="limit" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{edge:.1f}" y2="{edge:.1f}"/>'
            )

    def curve(self, xs: Values, ys: Values, name: str, *, bad: bool = False) -> None:
        """Draw a curve; a ``bad`` one stands out."""
        points = " ".join(f"{self._at_x(x):.1f},{self._at_y(y):.1f}" for x, y in zip(xs, ys, strict=True))
        kind, title = "bad" if bad else "good", html.escape(name)
        self._marks.append(f'<polyline class="{kind}" points="{points}"><title>{title}</title></polyline>')

    def dot(self, x: float, y: float, name: str, *, bad: bool = False) -> None:
        """Draw a dot; a ``bad`` one is a cross, so that it stands out in grey too."""
        at_x, at_y = self._at_x(x), self._at_y(y)
        shape = (
            f'<path class="bad" d="M{at_x - 4:.1f} {at_y - 4:.1f}l8 8m0 -8l-8 8">'
            if bad
            else f'<circle class="good" cx="{at_x:.1f}" cy="{at_y:.1f}" r="3">'
        )
        self._marks.append(f"{shape}<title>{html.escape(name)}</title></{'path' if bad else 'circle'}>")

    def label(self, x: float, y: float, text: str) -> None:
        """Write beside a place."""
        at_x = self._at_x(x)
        end = at_x > WIDTH * 0.8
        self._marks.append(
            f'<text class="label" x="{at_x + (-6 if end else 6):.1f}" y="{self._at_y(y) - 6:.1f}" '
            f'text-anchor="{"end" if end else "start"}">{html.escape(text)}</text>'
        )

    def svg(self, x_names: Callable[[float], str] = "{:g}".format) -> str:
        """Give the plot; ``x_names`` writes the ticks below."""
        return _frame([*self._axes(x_names), *self._marks], HEIGHT, self._says)

    def _axes(self, x_names: Callable[[float], str]) -> Iterator[str]:
        bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
        for tick in self._y.ticks:
            y = self._at_y(tick)
            yield f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
        for tick in self._x.ticks:
            x = self._at_x(tick)
            yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>'
            yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{html.escape(x_names(tick))}</text>'
        yield f'<rect class="frame" x="{_LEFT}" y="{_TOP}" width="{right - _LEFT}" height="{bottom - _TOP}"/>'
        middle_x, middle_y = (_LEFT + right) / 2, (_TOP + bottom) / 2
        yield f'<text x="{middle_x}" y="{HEIGHT - 8}" text-anchor="middle">{html.escape(self._x.title)}</text>'
        turned = f"translate(14 {middle_y}) rotate(-90)"
        yield f'<text transform="{turned}" text-anchor="middle">{html.escape(self._y.title)}</text>'

    def _at_x(self, value: float) -> float:
        return _LEFT + self._x.place(value) * (WIDTH - _LEFT - _RIGHT)

    def _at_y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - self._y.place(value) * (HEIGHT - _TOP - _BOTTOM)


_MAP_LEFT, _MAP_TOP = 96.0, 76.0


def heat_map(matrix: Values, names: Sequence[str], high_db: float | None, says: str) -> str:
    """Draw a square matrix in dB: rows are driven, columns listen.

    Framed is what is above the limit, and a line that is heard loudest in another's place.
    """
    size = min(26.0, 540 / len(names))
    span = len(names) * size
    cells = [cell for row in range(len(names)) for cell in _cells(matrix[row], row, names, high_db, size)]
    marks = [
        *(mark for row, name in enumerate(names) for mark in _names(row, name, size)),
        *sorted(cells, key=lambda cell: "badcell" in cell),  # so that frames lie above
        f'<text x="{_MAP_LEFT + span / 2:.1f}" y="14" text-anchor="middle">listens</text>',
        f'<text transform="translate(12 {_MAP_TOP + span / 2:.1f}) rotate(-90)" text-anchor="middle">driven</text>',
        *_scale(_MAP_LEFT + span + 24, _MAP_TOP, max(120.0, min(span, 200.0))),
    ]
    return _frame(marks, math.ceil(_MAP_TOP + max(span, 120) + 12), says)


def _names(row: int, name: str, size: float) -> Iterator[str]:
    y, x, text = _MAP_TOP + (row + 0.5) * size + 3, _MAP_LEFT + (row + 0.5) * size + 3, html.escape(name)
    yield f'<text x="{_MAP_LEFT - 5}" y="{y:.1f}" text-anchor="end">{text}</text>'
    yield f'<text transform="translate({x:.1f} {_MAP_TOP - 5}) rotate(-90)">{text}</text>'


def _cells(values: Values, row: int, names: Sequence[str], high_db: float | None, size: float) -> Iterator[str]:
    home = row if np.isnan(values).all() else int(np.argmax(values))
    for column, listens in enumerate(names):
        db = float(values[column])
        wrong = column != row if column == home else high_db is not None and db > high_db
        told = "not heard by anybody" if math.isnan(db) else f"{db:.1f} dB"
        x, y = _MAP_LEFT + column * size, _MAP_TOP + row * size
        frame = ' class="badcell"' if wrong else ""
        title = html.escape(f"{names[row]} driven, heard on {listens}: {told}")
        yield (
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{size:.1f}" height="{size:.1f}" fill="{_shade(db)}"{frame}>'
            f"<title>{title}</title></rect>"
        )


def _scale(x: float, y: float, height: float) -> Iterator[str]:
    levels = range(0, -121, -20)
    step = height / len(levels)
    for number, db in enumerate(levels):
        yield f'<rect x="{x:.1f}" y="{y + number * step:.1f}" width="16" height="{step:.1f}" fill="{_shade(db)}"/>'
        yield f'<text x="{x + 22:.1f}" y="{y + (number + 0.5) * step + 4:.1f}">{db} dB</text>'


def _shade(db: float) -> str:
    """From white at -120 dB to dark blue at 0: lightness alone tells, so it prints in grey."""
    if math.isnan(db):
        return "#e4c9c9"
    share = min(1.0, max(0.0, 1 + db / 120))
    red, green, blue = (round(255 + share * (end - 255)) for end in (16, 48, 96))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _frame(marks: Sequence[str], height: float, says: str) -> str:
    inside = "".join(marks)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(says)}" '
        f'xmlns="http://www.w3.org/2000/svg">{inside}</svg>'
    )
