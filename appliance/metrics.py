"""Figures of a running box in Prometheus' text format (0.0.4), for the page ``/metrics`` of the web port.

Counters count since the start of the box. Every figure is one row of :func:`figures`; what the page and the control
socket show is made of that.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import final

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """One figure; ``labels`` tell its kin apart. A name that ends in ``_total`` is a counter, any other a gauge."""

    name: str
    help: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


Source = Callable[[], Iterable[Figure]]
"""Gives the figures of one part of the box, as they are now."""


def page(sources: Iterable[Source]) -> str:
    """Print all figures, those of one name together as the format demands."""
    by_name: dict[str, list[Figure]] = {}
    for source in sources:
        for figure in source():
            by_name.setdefault(figure.name, []).append(figure)
    lines: list[str] = []
    for name, kin in by_name.items():
        kind = "counter" if name.endswith("_total") else "gauge"
        lines += [f"# HELP {name} {kin[0].help}", f"# TYPE {name} {kind}", *map(_line, kin)]
    return "\n".join(lines) + "\n"


def _line(figure: Figure) -> str:
    labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in figure.labels)
    value = f"{figure.value:.15g}"
    return f"{figure.name}{{{labels}}} {value}" if labels else f"{figure.name} {value}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
