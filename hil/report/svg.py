"""Plots as inline SVG: axes, curves, dots and names, by a few lines of our own.

A plotting library would be many times the size of the product for four pictures. Coordinates are in a box of
``WIDTH`` by ``HEIGHT``; text and lines take their colour from the page's style sheet.
"""

from __future__ import annotations

import dataclasses
import html
import math
from collections.abc import Iterator, Sequence
from typing import Final, final

import numpy as np
import numpy.typing as npt

WIDTH: Final = 720
HEIGHT: Final = 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 12, 42
LETTER: Final = 7.0  # width of one at the page's size
_LABEL_WIDTH, _LABEL_HEIGHT, _MOST_LABELS = 80, 13, 8
_MOST_NAMES: Final = 48

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
@dataclasses.dataclass(frozen=True, slots=True)
class NameAxis:
    """Names below a plot, at 0, 1, and so on: upright, and only so many that they do not touch."""

    names: Sequence[str]

    @property
    def axis(self) -> Axis:
        """Where they are."""
        count = len(self.names)
        return Axis("line", -0.5, count - 0.5, range(0, count, 1 + count // _MOST_NAMES))

    @property
    def height(self) -> float:
        """What the longest takes more than a number."""
        return max(0.0, LETTER * max(map(len, self.names)) - 8)


@final
class Plot:
    """A plot; :meth:`svg` gives it. ``names`` stand below in the place of numbers."""

    def __init__(self, x: Axis, y: Axis, says: str, names: NameAxis | None = None) -> None:
        self._x, self._y = x, y
        self._says = says
        self._names = names
        self._marks: list[str] = []
        self._labels: list[tuple[float, float, str]] = []

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
        """Write beside a place; labels that would lie on each other are moved down, and not more than eight."""
        at_x, at_y = self._at_x(x), max(_TOP + 12, self._at_y(y) - 6)
        taken = sorted(other_y for other_x, other_y, _ in self._labels if abs(other_x - at_x) < _LABEL_WIDTH)
        for other_y in taken:
            if abs(other_y - at_y) < _LABEL_HEIGHT:
                at_y = other_y + _LABEL_HEIGHT
        if len(self._labels) < _MOST_LABELS:
            self._labels.append((at_x, at_y, text))

    def svg(self) -> str:
        """Give the plot."""
        labels = [_label(*one) for one in self._labels]
        height = HEIGHT + (self._names.height if self._names else 0)
        return frame([*self._axes(), *self._marks, *labels], height, self._says)

    def _axes(self) -> Iterator[str]:
        bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
        for tick in self._y.ticks:
            y = self._at_y(tick)
            yield f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick_text(tick)}</text>'
        for tick in self._x.ticks:
            x = self._at_x(tick)
            yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>'
            if self._names:
                yield upright(x + 4, bottom + 6, self._names.names[int(tick)], "end")
            else:
                yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{tick_text(tick)}</text>'
        yield f'<rect class="frame" x="{_LEFT}" y="{_TOP}" width="{right - _LEFT}" height="{bottom - _TOP}"/>'
        middle_x, middle_y = (_LEFT + right) / 2, (_TOP + bottom) / 2
        below = HEIGHT - 8 + (self._names.height if self._names else 0)
        yield f'<text x="{middle_x}" y="{below:.1f}" text-anchor="middle">{html.escape(self._x.title)}</text>'
        turned = f"translate(14 {middle_y}) rotate(-90)"
        yield f'<text transform="{turned}" text-anchor="middle">{html.escape(self._y.title)}</text>'

    def _at_x(self, value: float) -> float:
        return _LEFT + self._x.place(value) * (WIDTH - _LEFT - _RIGHT)

    def _at_y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - self._y.place(value) * (HEIGHT - _TOP - _BOTTOM)


def tick_text(value: float) -> str:
    """Write a number below an axis."""
    return f"{value:g}".replace("-", "−")


def upright(x: float, y: float, text: str, anchor: str = "start") -> str:
    """Write from below to above."""
    return f'<text transform="translate({x:.1f} {y:.1f}) rotate(-90)" text-anchor="{anchor}">{html.escape(text)}</text>'


def _label(x: float, y: float, text: str) -> str:
    end = x > WIDTH * 0.8
    return (
        f'<text class="label" x="{x + (-6 if end else 6):.1f}" y="{y:.1f}" '
        f'text-anchor="{"end" if end else "start"}">{html.escape(text)}</text>'
    )


def frame(marks: Sequence[str], height: float, says: str) -> str:
    """Give the picture that holds the marks; ``says`` tells what it is to those who do not see it."""
    inside = "".join(marks)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(says)}" '
        f'xmlns="http://www.w3.org/2000/svg">{inside}</svg>'
    )
