"""One HTTP connection, kept to its port's terms: how long a request, its silence and its answer may take."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from appliance.ports.gate import Visit
from appliance.ports.refusals import Reason

_FAILURES = logging.getLogger("appliance.webapi.failures")
_FAILURES.setLevel(logging.ERROR)  # what a client does wrong is counted and logged by the port, within bounds


@final
class ConnectionOnTerms(H11Protocol):
    """Ends connections that do not send a request in time, whole or at all, or do not take its answer."""

    _visit: Visit
    _timer: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _begun_s: float | None = None

    def __init__(self, *args: Any, visit: Visit, **options: Any) -> None:
        super().__init__(*args, **options)
        self._visit = visit
        self.app_state = {**self.app_state, "visit": visit}
        self.logger = _FAILURES

    def connection_made(self, transport: Any) -> None:
        """Take the connection."""
        super().connection_made(transport)
        self._visit.identify(transport)
        self.client = (self._visit.host, int(self._visit.peer.rpartition(":")[2]))
        if silent_s := self._visit.gate.settings.silent_s:
            self._timer = self.loop.call_later(silent_s, self._give_up, Reason.SILENT)

    def data_received(self, data: bytes) -> None:
        """Read, and watch that what has begun ends."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        self._watch()

    def pause_writing(self) -> None:
        """The client does not take its answer: give it so long."""
        super().pause_writing()
        if silent_s := self._visit.gate.settings.silent_s:
            self._stalled = self.loop.call_later(silent_s, self._give_up, Reason.STALLED)

    def resume_writing(self) -> None:
        """The client takes its answer again."""
        _cancel(self._stalled)
        super().resume_writing()

    def on_response_complete(self) -> None:
        """Look whether the next request has begun already."""
        super().on_response_complete()
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._visit.refuse(Reason.NO_MESSAGE, msg)
        super().send_400_response(msg)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers, and give the place back."""
        _cancel(self._timer)
        _cancel(self._stalled)
        self._visit.leave()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Wait for the rest of a request, if a part of one has come."""
        _cancel(self._timer)
        if self.transport.is_closing() or not self._within_request():
            self._begun_s = None
            return
        settings = self._visit.gate.settings
        now_s = self.loop.time()
        self._begun_s = now_s if self._begun_s is None else self._begun_s
        limit_s = min(settings.idle_s, self._begun_s + settings.request_s - now_s)
        self._timer = self.loop.call_later(limit_s, self._give_up, Reason.UNFINISHED)

    def _within_request(self) -> bool:
        if self.conn.their_state is h11.SEND_BODY:
            return not self.flow.read_paused  # else it is us who do not read
        return self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])

    def _give_up(self, reason: Reason) -> None:
        self._visit.refuse(reason)
        self.transport.abort() if reason is Reason.STALLED else self.transport.close()


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
