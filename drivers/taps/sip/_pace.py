"""How many calls may come in a second."""

from __future__ import annotations

import collections
from typing import Final, final

_SOCKETS_S: Final = 0.5
"""So long does PJSIP count a socket that is closed among the 64 that it may have for media; past that it aborts."""

_CALLS: Final = 10
"""Calls of two streams, RTP and RTCP each, that leave room for those of four calls that are up: 56 in all."""


@final
class Pace:
    """At most ``limit`` in any ``window_s``."""

    def __init__(self, limit: int, window_s: float = 1.0) -> None:
        self._limit = limit
        self._window_s = window_s
        self._taken: collections.deque[float] = collections.deque()

    def take(self, now_s: float) -> bool:
        """Take one at the monotonic moment ``now_s``; False when the window is full."""
        while self._taken and now_s - self._taken[0] >= self._window_s:
            self._taken.popleft()
        if len(self._taken) >= self._limit:
            return False
        self._taken.append(now_s)
        return True


@final
class CallPace:
    """At most ``limit`` calls in any second, and in half of it no more than PJSIP has sockets for."""

    def __init__(self, limit: int) -> None:
        self._paces = Pace(_CALLS, _SOCKETS_S), Pace(limit)

    def take(self, now_s: float) -> bool:
        """Take one at the monotonic moment ``now_s``; False where it is one too many."""
        return all(pace.take(now_s) for pace in self._paces)
