"""Whether the answer to a call's latest INVITE is acknowledged.

A network, or a front of several processes, may bring the next INVITE before the ACK that was sent ahead of it. PJSIP
refuses such an INVITE (491 or 500), and with it a hold or a resume, so it waits for the ACK.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

WAIT_S: Final = 0.2
"""An ACK that was overtaken is there within this, and the far side repeats an INVITE only after 0.5 s."""


@final
class Handshake:
    """Of one call that came. For the PJSIP thread alone."""

    def __init__(self) -> None:
        self._invited = self._acknowledged = 0
        self._waiting: list[Callable[[], None]] = []

    @property
    def is_open(self) -> bool:
        """Whether an ACK is still to come."""
        return self._acknowledged < self._invited

    def invited(self, cseq: str) -> None:
        """Take note of an INVITE of the far side that goes to PJSIP."""
        self._invited = _number(cseq)

    def confirmed(self, cseq: str) -> list[Callable[[], None]]:
        """Take note of an ACK; gives what waited for it."""
        self._acknowledged = max(self._acknowledged, _number(cseq))
        waiting: list[Callable[[], None]] = []
        if not self.is_open:
            waiting, self._waiting = self._waiting, []
        return waiting

    def wait(self, act: Callable[[], None]) -> None:
        """Give out ``act`` with the ACK."""
        self._waiting.append(act)

    def give_up(self, act: Callable[[], None]) -> bool:
        """Whether ``act`` waits still; it does no more then."""
        waits = act in self._waiting
        if waits:
            self._waiting.remove(act)
        return waits


def _number(cseq: str) -> int:
    digits = cseq.split(maxsplit=1)[0] if cseq.strip() else ""
    return int(digits) if digits.isascii() and digits.isdigit() else 0
