"""Lines that a child says again and again, such as a library that looks for a card: told once, then counted."""

from __future__ import annotations

import collections
import dataclasses
from typing import Final, final

AGAIN_S: Final = 600.0
"""How long a line that was told is only counted when it comes again."""
_MOST_LINES: Final = 64
"""Lines that are kept in mind; past that the one that was told longest ago is forgotten."""


@final
@dataclasses.dataclass(slots=True)
class _Told:
    at_s: float
    untold: int = 0


@final
class Repeats:
    """What one child said lately."""

    def __init__(self) -> None:
        self._told: collections.OrderedDict[str, _Told] = collections.OrderedDict()

    def take(self, line: str, now_s: float) -> str:
        """Give what is to be logged of a line at a monotonic moment; empty where it was logged already."""
        known = self._told.get(line)
        if known is not None and now_s - known.at_s < AGAIN_S:
            known.untold += 1
            return ""
        self._told[line] = _Told(now_s)
        self._told.move_to_end(line)
        if len(self._told) > _MOST_LINES:
            self._told.popitem(last=False)
        return f"{line} (and {known.untold} times since it was told last)" if known and known.untold else line
