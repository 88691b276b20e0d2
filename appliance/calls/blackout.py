"""A stretch of a call, or of an agent's calls, that is to be silence."""

from __future__ import annotations

import dataclasses
from typing import final


@final
@dataclasses.dataclass(slots=True, eq=False)
class Blackout:
    """One blackout on the monotonic clock; ``until_mono_s`` is None while nobody ended it.

    Both moments may lie in the future, and the end never before the begin. ``number`` is unique in the core's life.
    """

    number: int
    from_mono_s: float
    until_mono_s: float | None = None
    reason: str = ""

    @property
    def open(self) -> bool:
        """Whether nobody has ended it."""
        return self.until_mono_s is None
