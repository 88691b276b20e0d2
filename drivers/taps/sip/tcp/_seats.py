"""Who gets one of the few places for a socket at PJSIP, and who has to give one back."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator
from typing import Final, final

from drivers.taps.sip.tcp._visitor import Seat, Visitor

SEATS: Final = 24
"""Of PJSIP's 64 places for sockets: 2 are its own, and 38 are left to connections that it makes itself."""
OF_ONE: Final = SEATS // 2
"""Seats that one address may have, those just given back among them."""
_CLOSED_S: Final = 0.6  # PJSIP keeps the place of a closed socket for 0.5 s
_QUIET_S: Final = 1.0
_TURN_S: Final = 2.0  # after which others have their turn


@final
class Seats:
    """All seats of a worker."""

    def __init__(self) -> None:
        self.taken: set[Seat] = set()
        self._closed: collections.deque[tuple[float, str]] = collections.deque()

    def close(self, seat: Seat, now_s: float) -> None:
        """Note that PJSIP has closed its end: the place is free again in a while."""
        self.taken.remove(seat)
        self._closed.append((now_s, seat.host))

    def next(self, waiting: Iterable[Visitor], now_s: float) -> Visitor | None:
        """Give who may take a seat now: of the addresses with the fewest seats whoever waits longest."""
        shares = self._shares(now_s)
        if shares.total() >= SEATS:
            return None
        able = [visitor for visitor in waiting if shares[visitor.host] < OF_ONE]
        return min(able, key=lambda visitor: (shares[visitor.host], visitor.waits_s), default=None)

    def spare(self, waiting: Iterable[Visitor], now_s: float) -> Iterator[Seat]:
        """Give the seats that should be given back for those who wait: quiet ones and old ones, of calls none."""
        shares = self._shares(now_s)
        on_their_way = len(self._closed) + sum(seat.leaving for seat in self.taken)
        idle = sorted(
            (seat for seat in self.taken if _is_spare(seat, now_s)),
            key=lambda seat: (-shares[seat.host], seat.visitor.heard_s if seat.visitor else 0.0),
        )
        for visitor in list(waiting)[on_their_way:]:
            alone = shares[visitor.host] >= OF_ONE
            found = next((seat for seat in idle if seat.host == visitor.host or not alone), None)
            if found is not None:
                idle.remove(found)
                yield found

    def _shares(self, now_s: float) -> collections.Counter[str]:
        while self._closed and now_s - self._closed[0][0] >= _CLOSED_S:
            self._closed.popleft()
        return collections.Counter([seat.host for seat in self.taken] + [host for _, host in self._closed])


def _is_spare(seat: Seat, now_s: float) -> bool:
    visitor = seat.visitor
    if visitor is None or seat.leaving or visitor.messages or seat.to_send:
        return False
    return not visitor.calls and (now_s - visitor.heard_s >= _QUIET_S or now_s - seat.since_s >= _TURN_S)
