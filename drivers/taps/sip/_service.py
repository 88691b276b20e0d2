"""How long a worker serves: until it is too old or has grown too large, and then on until it has no call."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import Final, final

_SPREAD: Final = 8  # workers of one start end their service one after the other: each an eighth of a quarter later
_YOUNG_S: Final = 3.0  # nobody is spent before; one that starts too large would be replaced for ever


@final
class Service:
    """Tells when the service is over. ``age_s`` and ``memory_mb`` are the limits, 0 for none."""

    def __init__(self, age_s: float, memory_mb: float, index: int) -> None:
        self._begun_s = time.monotonic()
        self._age_s = age_s * (1 + (index % _SPREAD) / _SPREAD / 4)
        self._memory_mb = memory_mb

    def over(self, now_s: float, memory_mb: float | None = None) -> str:
        """Why the service is over at the monotonic moment ``now_s``; empty while it is not."""
        served_s = now_s - self._begun_s
        if served_s < _YOUNG_S:
            return ""
        if self._age_s and served_s >= self._age_s:
            return f"{served_s:.0f} s old"
        if self._memory_mb:
            size_mb = own_memory_mb() if memory_mb is None else memory_mb
            if size_mb >= self._memory_mb:
                return f"{size_mb:.0f} MB large"
        return ""


def own_memory_mb() -> float:
    """Memory of this process that it shares with no file, in MB."""
    _, resident, shared, *_ = map(int, Path("/proc/self/statm").read_text(encoding="ascii").split())
    return (resident - shared) * resource.getpagesize() / 1e6
