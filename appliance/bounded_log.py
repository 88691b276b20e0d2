"""Log lines that whoever is outside can cause, kept from filling the log: the first ones whole, the rest summed up."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import logging
from typing import final

from appliance import clock

_NAMED = 5
"""Peers that a sum names."""
_MOST_PEERS = 1000
"""Peers that are told apart; further ones are counted as one."""


@final
@dataclasses.dataclass(slots=True)
class _Window:
    """What was told of one kind since it was opened, and what was not."""

    opened_s: float
    told: int = 0
    untold: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    timer: asyncio.TimerHandle | None = None


@final
class BoundedLog:
    """Logs at most ``most`` lines of a kind in ``window_s`` seconds; at their end one line tells how many more came."""

    def __init__(self, logger: logging.Logger, *, most: int = 20, window_s: float = 60) -> None:
        self._logger = logger
        self._most = most
        self._window_s = window_s
        self._windows: dict[str, _Window] = {}

    def tell(self, level: int, kind: str, peer: str, text: str) -> None:
        """Log ``text`` about ``peer``, or count it. ``kind`` is one of a small set: it names the sum."""
        window = self._window(kind)
        if window.told < self._most:
            window.told += 1
            self._logger.log(level, "%s", text)
            return
        host = peer.rpartition(":")[0] or peer
        window.untold[host if host in window.untold or len(window.untold) < _MOST_PEERS else "others"] += 1
        if window.timer is None:
            with contextlib.suppress(RuntimeError):  # no loop: the next line of the kind tells the sum
                left_s = max(0.0, window.opened_s + self._window_s - clock.monotonic_s())
                window.timer = asyncio.get_running_loop().call_later(left_s, self._sum_up, kind)

    def close(self) -> None:
        """Tell every sum that is not told yet."""
        for kind in list(self._windows):
            self._sum_up(kind)

    def _window(self, kind: str) -> _Window:
        now_s = clock.monotonic_s()
        window = self._windows.get(kind)
        if window is not None and now_s - window.opened_s >= self._window_s:
            self._sum_up(kind)
            window = None
        if window is None:
            window = self._windows[kind] = _Window(now_s)
        return window

    def _sum_up(self, kind: str) -> None:
        window = self._windows.pop(kind)
        if window.timer is not None:
            window.timer.cancel()
        if not window.untold:
            return
        often = ", ".join(f"{peer} ({count})" for peer, count in window.untold.most_common(_NAMED))
        more = len(window.untold) - _NAMED
        self._logger.warning(
            "%s: %d more within %d s, from %s%s",
            *(kind, window.untold.total(), clock.monotonic_s() - window.opened_s, often),
            f" and {more} others" if more > 0 else "",
        )
