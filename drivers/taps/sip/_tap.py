"""The tap: its verbs, carried to the PJSIP thread."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

from drivers import contract
from drivers.contract import (
    Capabilities,
    Host,
    LineBusyError,
    LineIdleError,
    SessionSink,
    TapFailedError,
    TapOptions,
    TapSpentError,
    WorkerPlan,
)
from drivers.taps.sip._options import Options
from drivers.taps.sip._place import FRONT, RELAY
from drivers.taps.sip._plan import addressed, check_ports, has_front, share, tell_callers, tell_ports, with_front
from drivers.taps.sip.front import Front, Relay

if TYPE_CHECKING:
    from drivers.taps.sip._loop import Loop
    from drivers.taps.sip._trunk import Trunk

_ASIDE: Final[dict[str, type[Front | Relay]]] = {FRONT: Front, RELAY: Relay}  # workers that serve no line
_CLOSE_S: Final = 5.0
_LEAVE_S: Final = 0.3


@final
class Tap(contract.Tap):
    """The share of a SIP trunk that one worker process serves: lines, or the front. One a process, and only once.

    The process must end by ``os._exit`` after :meth:`close`: PJSIP is not taken down, since what Python still holds
    of it would abort then.
    """

    Options: ClassVar[type[TapOptions]] = Options
    capabilities: ClassVar[Capabilities] = Capabilities(
        calls_arrive=True, dials=True, speaks=True, joins=True, sees_answer=True, sees_far_hang_up=True
    )

    @classmethod
    def abilities(cls, options: Any) -> Capabilities:
        """See :meth:`drivers.contract.Tap.abilities`: a trunk that nobody told where to call does not call."""
        dials = options.dials
        return dataclasses.replace(cls.capabilities, dials=dials, speaks=dials, joins=dials)

    @classmethod
    def plan(cls, options: Any) -> list[WorkerPlan]:
        """See :meth:`drivers.contract.Tap.plan`: as many workers as the library's call limit makes necessary.

        With a front there is one worker more, the last, for it, and one before it for rtpengine.
        """
        from drivers.taps.sip._library import call_limit  # noqa: PLC0415 - loads pjsua2
        from drivers.taps.sip._native import Native  # noqa: PLC0415 - the same

        workers = share(options.calls, call_limit(Native()), options.rate_hz)
        fronted = has_front(options)
        check_ports(options, len(workers), front=fronted)
        tell_ports(options, len(workers), front=fronted)
        tell_callers(options)
        if fronted:
            workers = with_front(workers, relay=options.media == "rtpengine")
        return addressed(options, workers)

    def __init__(self, options: Any, plan: WorkerPlan) -> None:
        self._options: Options = options
        self._plan = plan
        self._trunk: Trunk | None = None
        self._loop: Loop | None = None
        self._aside = _ASIDE[plan.role](options, plan.shares) if plan.role in _ASIDE else None

    def open(self, host: Host) -> None:
        """See :meth:`drivers.contract.Tap.open`."""
        if self._aside is not None:
            self._aside.open(host)
            return
        from drivers.taps.sip._native import Native, library_path  # noqa: PLC0415 - loads pjsua2

        library_path()
        from drivers.taps.sip._loop import Loop  # noqa: PLC0415 - the same
        from drivers.taps.sip._trunk import Trunk  # noqa: PLC0415 - the same

        trunk = Trunk(self._options, self._plan, Native(), host)
        loop = Loop(f"pjsip-{self._options.name}-{self._plan.index}", trunk)
        trunk.loop = loop
        loop.start()
        self._trunk, self._loop = trunk, loop

    def lines(self) -> Sequence[contract.Line]:
        """Lines served here; a plain call uses only the first leg of one."""
        return self._plan.lines

    def start(self, line: str, sink: SessionSink) -> None:
        """Let the next call on the line go into ``sink``, or the one that was placed from it.

        A call that came is captured already.
        """
        trunk, loop = self._running()

        def arm() -> None:
            found = trunk.line(line)
            if found.dialled and not (found.free or found.leaving or found.captures):
                found.record(sink)
                return
            if not found.free or found.captures:
                raise LineBusyError(f"line {line} captures already")
            found.arm(sink)

        loop.call(arm)

    def stop(self, line: str) -> None:
        """See :meth:`drivers.contract.Tap.stop`. Takes the jitter buffer's delay and some 60 ms more."""
        trunk, loop = self._running()
        closed: concurrent.futures.Future[None] = concurrent.futures.Future()

        def stop() -> None:
            if not trunk.line(line).stop(lambda: closed.set_result(None)):
                raise LineIdleError(f"line {line} does not capture")

        loop.call(stop)
        loop.wait(closed, _CLOSE_S)

    def hang_up(self, line: str, reason: str) -> None:
        """See :meth:`drivers.contract.Tap.hang_up`. Raises LineUnknownError, LineIdleError."""
        trunk, loop = self._running()

        def end() -> None:
            found = trunk.line(line)
            if trunk.dialler.hang_up(found, reason):
                return
            if found.call is None or found.leaving:
                raise LineIdleError(f"no call on line {line}")
            trunk.hang_up(found, reason)

        loop.call(end)

    def dial(self, line: str, number: str, barge_code: str) -> None:
        """See :meth:`drivers.contract.Tap.dial`."""
        trunk, loop = self._running()
        loop.call(lambda: trunk.dialler.dial(trunk.line(line), number, barge_code))

    def join(self, line: str, number: str) -> None:
        """See :meth:`drivers.contract.Tap.join`."""
        trunk, loop = self._running()
        loop.call(lambda: trunk.dialler.join(trunk.line(line), number))

    def play(self, line: str, file: Path) -> None:
        """See :meth:`drivers.contract.Tap.play`."""
        trunk, loop = self._running()
        loop.call(lambda: trunk.dialler.play(trunk.line(line), file))

    def poll(self) -> None:
        """Raise TapFailedError when the PJSIP thread, or the front, has died, TapSpentError when the time is served."""
        if self._aside is not None:
            self._aside.poll()
        if self._loop is not None:
            self._loop.check()
        if self._trunk is not None and self._trunk.spent:
            raise TapSpentError(self._trunk.spent)

    def health(self, trouble: str) -> None:
        """See :meth:`drivers.contract.Tap.health`: while there is trouble OPTIONS is answered 503."""
        if self._aside is not None:
            self._aside.health(trouble)
        if self._trunk is not None:
            self._trunk.trouble = trouble

    def close(self) -> None:
        """Finish every session, hang up every call, and end the thread. PJSIP stays loaded."""
        if self._aside is not None:
            self._aside.close()
        if self._loop is None or self._trunk is None:
            return
        with contextlib.suppress(TapFailedError):  # after a failure there is nothing left to end in good order
            idle = self._loop.call(self._trunk.idle)
            self._loop.call(self._trunk.close)
            end_s = time.monotonic() + _CLOSE_S
            while not self._loop.call(self._trunk.idle) and time.monotonic() < end_s:
                time.sleep(0.02)
            if not idle:
                time.sleep(_LEAVE_S)  # the far end's answers to our BYE come
            self._loop.call(self._trunk.leave)
        self._loop.stop()

    def _running(self) -> tuple[Trunk, Loop]:
        if self._trunk is None or self._loop is None:
            raise TapFailedError("the tap is not open")
        return self._trunk, self._loop
