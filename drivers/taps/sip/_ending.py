"""The end of a capture session: the audio that came before the end is let out of the jitter buffer first."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, final

from drivers.contract import SessionClosed
from drivers.taps.sip._capture import Capture
from drivers.taps.sip._works import Works

_STEP_S: Final = 0.02
_LONGER_S: Final = 1.0  # a jitter buffer that grew is given this much more
_STUCK_STEPS: Final = 3  # a buffer that ran empty gives nothing before it is full enough again
_WHOLE_S: Final = 1.0  # and the bridge this long to close the files


@final
class Ending:
    """Drains the capture, closes it, then calls :attr:`then` in order and ``over`` last.

    Parameters
    ----------
    waiting
        Tells how many frames of each leg are still in a jitter buffer when its time is up.
    tail
        Give the bridge one turn more after that: the end of the audio is in the filter that converts it.
    """

    def __init__(
        self,
        works: Works,
        line: str,
        capture: Capture,
        reason: str,
        *,
        waiting: Callable[[], dict[int, int]],
        tail: bool,
        over: Callable[[Ending], None],
    ) -> None:
        self.then: list[Callable[[], None]] = []
        self._works = works
        self._line = line
        self._capture = capture
        self._reason = reason
        self._waiting = waiting
        self._tail = tail
        self._stuck = 0
        self._left: dict[int, int] = {}
        self._over = over
        self._begun_s = time.monotonic()
        self._give_up_s = self._begun_s + capture.delay_s + _LONGER_S

    def begin(self, *, drain: bool) -> None:
        """Begin; without ``drain`` there is nothing to wait for, because the call's media is gone."""
        self._works.later(self._capture.delay_s if drain else 0.0, self._drain)

    def _drain(self) -> None:
        left = self._waiting()
        self._stuck = self._stuck + 1 if left == self._left else 0
        self._left = left
        if left and self._stuck < _STUCK_STEPS and time.monotonic() < self._give_up_s:
            self._works.later(_STEP_S, self._drain)
            return
        for leg, frames in left.items():
            self._capture.abandon(leg, frames, self._begun_s)
        if self._tail:
            self._works.later(_STEP_S, self._detach)
        else:
            self._detach()

    def _detach(self) -> None:
        self._capture.detach()
        self._give_up_s = time.monotonic() + _WHOLE_S
        self._works.later(_STEP_S, self._close)

    def _close(self) -> None:
        if not self._capture.whole and time.monotonic() < self._give_up_s:
            self._works.later(_STEP_S, self._close)
            return
        self._capture.close(self._reason)
        self._works.host.emit(SessionClosed(line=self._line, session=self._capture.session, reason=self._reason))
        for act in self.then:
            act()
        self._over(self)
