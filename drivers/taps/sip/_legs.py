"""Which leg of the recording each audio stream of a call belongs to, while streams come, go and come back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import final

from drivers.taps.sip._parties import MAX_LEGS


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Offered:
    """An audio stream that the far side may send on now: ``line`` is its m= line in the SDP, from 0."""

    line: int
    label: str = ""

    @property
    def key(self) -> str:
        """What it is known by: its label (RFC 4574), or where it has none its place."""
        return self.label or f"#{self.line}"


@final
class Legs:
    """Remembers the leg of every stream of a call, so that one that comes back goes on where it was.

    Parameters
    ----------
    prefer
        Leg that the stream of a label should have; None where nobody knows.
    """

    def __init__(self, prefer: Callable[[str], int | None]) -> None:
        self._prefer = prefer
        self._known: dict[str, int] = {}

    def assign(self, streams: Sequence[Offered]) -> dict[int, Offered]:
        """Give the stream of each leg. More streams than there are legs: the last ones have none."""
        legs: dict[int, Offered] = {}
        for stream in streams:
            leg = self._known.get(stream.key)
            if leg is not None and leg not in legs:
                legs[leg] = stream
        for stream in streams:
            if stream not in legs.values():
                leg = self._free(stream, legs)
                if leg is not None:
                    legs[leg] = stream
                    self._known[stream.key] = leg
        return legs

    def _free(self, stream: Offered, taken: dict[int, Offered]) -> int | None:
        """Preferred leg, else that of its place in the SDP, else any; None where all are taken."""
        wanted = (self._prefer(stream.label), stream.line, *range(MAX_LEGS))
        return next((leg for leg in wanted if leg is not None and leg < MAX_LEGS and leg not in taken), None)
