"""The crosstalk of every line into every other, as a map."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from hil.report.svg import LETTER, WIDTH, Values, frame, tick_text, upright

_SCALE_WIDTH: Final = 104.0


def heat_map(matrix: Values, names: Sequence[str], high_db: float | None, says: str) -> str:
    """Draw a square matrix in dB: rows are driven, columns listen.

    Framed is what is above the limit, and a line that is heard loudest in another's place.
    """
    edge = 28 + LETTER * max(map(len, names))  # beside the names
    size = min(26.0, (WIDTH - edge - _SCALE_WIDTH) / len(names))
    span = len(names) * size
    cells = [cell for row in range(len(names)) for cell in _cells(matrix[row], row, names, high_db, size)]
    marks = [
        *(mark for row in range(0, len(names), math.ceil(12 / size)) for mark in _names(row, names[row], size)),
        *sorted(cells, key=lambda cell: "badcell" in cell),  # so that frames lie above
    ]
    inside = f'<g transform="translate({edge:.1f} {edge:.1f})">{"".join(marks)}</g>'
    around = [
        f'<text x="{edge + span / 2:.1f}" y="12" text-anchor="middle">listens</text>',
        f'<text transform="translate(12 {edge + span / 2:.1f}) rotate(-90)" text-anchor="middle">driven</text>',
        *_scale(edge + span + 24, edge, max(120.0, min(span, 200.0))),
    ]
    return frame([inside, *around], math.ceil(edge + max(span, 120) + 12), says)


def _names(row: int, name: str, size: float) -> Iterator[str]:
    at = (row + 0.5) * size + 4
    yield f'<text x="-5" y="{at:.1f}" text-anchor="end">{html.escape(name)}</text>'
    yield upright(at, -5, name)


def _cells(values: Values, row: int, names: Sequence[str], high_db: float | None, size: float) -> Iterator[str]:
    home = row if np.isnan(values).all() else int(np.argmax(values))
    for column, listens in enumerate(names):
        db = float(values[column])
        wrong = column != row if column == home else high_db is not None and db > high_db
        told = "not heard by anybody" if math.isnan(db) else f"{db:.1f} dB"
        kind = ' class="badcell"' if wrong else ""
        title = html.escape(f"{names[row]} driven, heard on {listens}: {told}")
        yield (
            f'<rect x="{column * size:.1f}" y="{row * size:.1f}" width="{size:.1f}" height="{size:.1f}" '
            f'fill="{_shade(db)}"{kind}><title>{title}</title></rect>'
        )


def _scale(x: float, y: float, height: float) -> Iterator[str]:
    levels = range(0, -121, -20)
    step = height / len(levels)
    for number, db in enumerate(levels):
        yield f'<rect x="{x:.1f}" y="{y + number * step:.1f}" width="16" height="{step:.1f}" fill="{_shade(db)}"/>'
        yield f'<text x="{x + 22:.1f}" y="{y + (number + 0.5) * step + 4:.1f}">{tick_text(db)} dB</text>'


def _shade(db: float) -> str:
    """From white at -120 dB to dark blue at 0: lightness alone tells, so it prints in grey."""
    if math.isnan(db):
        return "#e4c9c9"
    share = min(1.0, max(0.0, 1 + db / 120))
    red, green, blue = (round(255 + share * (end - 255)) for end in (16, 48, 96))
    return f"#{red:02x}{green:02x}{blue:02x}"
