"""Stretches of frames, begin included, end not. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """From ``begin`` to before ``end``."""

    begin: int
    end: int

    def within(self, begin: int, end: int) -> Span:
        """The part that lies in ``begin`` to ``end``; empty (``not span``) if there is none."""
        return Span(max(self.begin, begin), min(self.end, end))

    def __bool__(self) -> bool:
        return self.end > self.begin


def subtract(span: Span, others: Iterable[Span]) -> list[Span]:
    """What of the span none of the others covers, in order."""
    left = [span] if span else []
    for other in others:
        left = (
            [part for s in left for part in (s.within(s.begin, other.begin), s.within(other.end, s.end)) if part]
            if other
            else left
        )
    return sorted(left)
