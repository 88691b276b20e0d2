"""Who may send requests to a worker that no front stands before."""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Sequence
from typing import Final, final

from drivers.taps.sip._pace import Pace

logger = logging.getLogger(__name__)

_FORBIDDEN: Final = 403
_NO_ANSWER: Final = 0
_ANSWERS_PER_S: Final = 50  # as the front has it: what is more is a flood, and costs nothing but its reading
_LINES_PER_S: Final = 1


@final
class Peers:
    """The list of the options; an empty one lets everybody in."""

    def __init__(self, peers: Sequence[str]) -> None:
        self._networks = [ipaddress.IPv4Network(peer, strict=False) for peer in peers]
        self._answers = Pace(_ANSWERS_PER_S)
        self._lines = Pace(_LINES_PER_S)

    def turn_away(self, address: str) -> int | None:
        """Answer to a request from an address, 0 for none at all; None where it may come in."""
        if self.knows(address):
            return None
        now_s = time.monotonic()
        if self._lines.take(now_s):
            logger.warning("turned away: %s is none of the peers", address)
        return _FORBIDDEN if self._answers.take(now_s) else _NO_ANSWER

    def knows(self, address: str) -> bool:
        """Whether requests of that address are taken. For any thread."""
        if not self._networks:
            return True
        try:
            found = ipaddress.IPv4Address(address)
        except ValueError:
            return False
        return any(found in network for network in self._networks)
