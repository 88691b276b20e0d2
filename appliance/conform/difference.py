"""What differs, line by line, with every octet that cannot be seen written out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from appliance.conform.template import Template

_SAME, _WANTED, _CAME = " ", "-", "+"
_AROUND_LINES: Final = 3
_MOST_LINES: Final = 2000
"""Lines of an answer that are aligned; what lies behind them is told by its count."""

_Mark = tuple[str, str]


def tell_difference(template: Template, octets: bytes) -> str:
    """Give lines that begin with ``-`` (wanted), ``+`` (came) or a blank (both)."""
    came = re.findall(r"[^\n]*\n|[^\n]+", octets.decode("latin-1"))
    marks = list(_align(template, came[:_MOST_LINES]))
    told = [f"{mark} {_seen(line, whole=mark != _SAME)}" for mark, line in marks]
    shown = [
        any(m != _SAME for m, _ in marks[max(at - _AROUND_LINES, 0) : at + _AROUND_LINES + 1])
        for at in range(len(marks))
    ]
    lines: list[str] = []
    for line, show in zip(told, shown, strict=True):
        if show:
            lines.append(line)
        elif not lines or lines[-1] != "  …":
            lines.append("  …")
    if len(came) > _MOST_LINES:
        lines.append(f"  … and {len(came) - _MOST_LINES} lines more")
    return "\n".join(lines)


def _align(template: Template, came: list[str]) -> Iterator[_Mark]:
    """Pair as many lines as possible, in their order."""
    rows, columns = len(template.lines), len(came)
    # best[i][j]: most lines that can be paired of the template from i on and of what came from j on
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    same = [[pattern.fullmatch(line) is not None for line in came] for pattern in map(template.line, range(rows))]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            if template.is_rest(i):
                best[i][j] = max(best[i + 1][j], best[i][j + 1])
            else:
                paired = best[i + 1][j + 1] + 1 if same[i][j] else 0
                best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    i = j = 0
    while i < rows or j < columns:
        if i < rows and template.is_rest(i):
            if j < columns and best[i][j + 1] >= best[i + 1][j] and (i + 1 == rows or best[i][j] > best[i + 1][j]):
                yield _SAME, came[j]
                j += 1
            else:
                i += 1
        elif i < rows and j < columns and same[i][j] and best[i][j] == best[i + 1][j + 1] + 1:
            yield _SAME, came[j]
            i, j = i + 1, j + 1
        elif i < rows and (j == columns or best[i + 1][j] >= best[i][j + 1]):
            yield _WANTED, template.shown(i)
            i += 1
        else:
            yield _CAME, came[j]
            j += 1


def _seen(line: str, *, whole: bool) -> str:
    """Write a line in visible ASCII; the usual line end only where ``whole``."""
    text = line if whole else line.removesuffix("\r\n")
    return text.encode("unicode_escape").decode()
