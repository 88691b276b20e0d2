"""How many calls may come in a second."""

from __future__ import annotations

import collections
from typing import final

_WINDOW_S = 1.0


@final
class Pace:
    """At most ``limit`` in any second.

    PJSIP keeps 64 sockets, and a closed one counts for about half a second more; past that the process aborts.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken: collections.deque[float] = collections.deque()

    def take(self, now_s: float) -> bool:
        """Take one at the monotonic moment ``now_s``; False when the second is full."""
        while self._taken and now_s - self._taken[0] >= _WINDOW_S:
            self._taken.popleft()
        if len(self._taken) >= self._limit:
            return False
        self._taken.append(now_s)
        return True
