"""When a call is over because its far side does not refresh it any more: session timers (RFC 4028).

PJSIP keeps the timer, refreshes where that is ours, and ends a call that is not refreshed; but then what waits in the
jitter buffer is lost, and nobody says why the call ended. So the same is reckoned here, and the call ended a moment
earlier in good order. What it reckons from are the far side's requests alone: of a session that we are to refresh, or
whose timer stands in an answer to us, it knows nothing, and PJSIP's word is the last.
"""

from __future__ import annotations

import re
from typing import Final, final

from drivers.taps.sip._message import Message

LEAST_S: Final = 90  # RFC 4028, 5; PJSIP answers 422 to less
_EXPIRES: Final = re.compile(r"^\s*(\d{1,9})\s*(?:;.*?refresher\s*=\s*(uac|uas)\b)?", re.IGNORECASE)
_MARGIN_S: Final = 32  # before its end a session is given up (RFC 4028, 10), or a third of it if that is less
_EARLIER_S: Final = 1.5  # than PJSIP, which does it to the second


def is_too_short(request: Message) -> bool:
    """Whether a request asks for a session that would have to be refreshed more often than the standard allows."""
    found = _EXPIRES.match(request.header("session-expires"))
    return found is not None and int(found[1]) < LEAST_S and "timer" in request.tags("supported")


@final
class SessionTimer:
    """The timer of one call, from the requests of its far side. Moments are monotonic."""

    def __init__(self) -> None:
        self._far_refreshes: bool | None = None
        self._end_s: float | None = None

    def take(self, request: Message, now_s: float) -> None:
        """Take an INVITE or UPDATE of the far side, which is a refresh too."""
        found = _EXPIRES.match(request.header("session-expires"))
        if found is None:
            self._end_s = None  # the far side has no timer, or no more
            return
        length_s = int(found[1])
        if length_s < LEAST_S:
            return
        self._far_refreshes = self._refresher(found[2], request)
        left_s = max(length_s - _MARGIN_S, length_s - length_s // 3)
        self._end_s = now_s + left_s - _EARLIER_S if self._far_refreshes else None

    def _refresher(self, named: str | None, request: Message) -> bool:
        if named:
            return named.lower() == "uac"
        if self._far_refreshes is not None:
            return self._far_refreshes
        return "timer" in request.tags("supported")

    def over(self, now_s: float) -> bool:
        """Whether the far side has not refreshed the session in time."""
        return self._end_s is not None and now_s >= self._end_s
