"""How fast the requests of one address may come."""

from __future__ import annotations

from typing import final

BURST_S = 10.0
"""So many seconds' worth of requests may come at once."""
_MOST_HOSTS = 4096
"""Addresses kept before those that are at rest are forgotten."""


@final
class Rates:
    """Spaces the requests of each address evenly once its burst is used up (the generic cell rate algorithm).

    Every request moves the address's next moment by its share of a second; a request is on time while that moment lies
    at most :data:`BURST_S` ahead. Connections of one address share its moment.
    """

    def __init__(self, requests_per_s: float) -> None:
        self._share_s = 1 / requests_per_s if requests_per_s else 0.0
        self._next_s: dict[str, float] = {}

    def delay_s(self, host: str, now_s: float) -> float:
        """Reserve the place of one request and give how long it has to wait, 0 where it need not."""
        if not self._share_s:
            return 0.0
        reserved_s = self._place_s(host, now_s)
        self._next_s[host] = reserved_s
        return max(0.0, reserved_s - BURST_S - now_s)

    def take(self, host: str, now_s: float) -> bool:
        """Whether one more request is on time; one that is not takes no place."""
        if not self._share_s:
            return True
        reserved_s = self._place_s(host, now_s)
        if reserved_s - BURST_S > now_s:
            return False
        self._next_s[host] = reserved_s
        return True

    def _place_s(self, host: str, now_s: float) -> float:
        if len(self._next_s) >= _MOST_HOSTS:
            self._next_s = {h: at_s for h, at_s in self._next_s.items() if at_s > now_s}
        return max(self._next_s.get(host, now_s), now_s) + self._share_s
