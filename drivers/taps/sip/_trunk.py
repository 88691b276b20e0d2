"""All lines of one worker, and what PJSIP and the tap's verbs mean to them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final, final

from drivers.contract import CallArrived, CallRefused, Host, LineFault, LineUnknownError, WorkerPlan
from drivers.taps.sip._gate import Gate
from drivers.taps.sip._library import Call, Library
from drivers.taps.sip._line import Dialog, Line
from drivers.taps.sip._loop import Loop
from drivers.taps.sip._message import Message
from drivers.taps.sip._native import Native
from drivers.taps.sip._options import Options
from drivers.taps.sip._pace import Pace
from drivers.taps.sip._parties import MAX_LEGS, parties

logger = logging.getLogger(__name__)

_FLUSH_S: Final = 0.05
_FIRST_LOOK_S: Final = 0.1
_LOOK_S: Final = 1.0
_NOT_FOUND, _BUSY, _INTERNAL, _UNAVAILABLE = 404, 486, 500, 503


@final
class Trunk:
    """For the PJSIP thread alone, from :meth:`open` on."""

    def __init__(self, options: Options, plan: WorkerPlan, native: Native, host: Host) -> None:
        self.native = native
        self.host = host
        self.options = options
        self.lines = {line.name: Line(line.name, self) for line in plan.lines}
        self.closing = False
        self.loop: Loop
        self._worker = plan.index
        self._by_number: dict[int, Line] = {}
        self._pace = Pace(options.calls_per_s)
        self._library: Library
        self._gate: Gate

    def later(self, delay_s: float, act: Callable[[], None]) -> None:
        """Call ``act`` on this thread in ``delay_s``."""
        self.loop.later(delay_s, act)

    def line(self, name: str) -> Line:
        """Line of that name. Raises :class:`LineUnknownError`."""
        try:
            return self.lines[name]
        except KeyError:
            raise LineUnknownError(f"{self.options.name} has no line {name!r} in this worker") from None

    # --- the thread's turn --------------------------------------------------------------------------------------

    def open(self) -> None:
        """Set PJSIP up on this thread."""
        self._library = Library(self.options, self._worker, self.native, self)
        self._gate = Gate(self.native, self)
        host = "127.0.0.1" if self.options.host == "0.0.0.0" else self.options.host  # noqa: S104 - a comparison
        self._gate.prove(host, self.options.sip_port(self._worker), self._library.handle)
        self._repeat(_FLUSH_S, self.native.flush)
        self._repeat(_FIRST_LOOK_S, lambda: self._look(first=True))
        self._repeat(_LOOK_S, lambda: self._look(first=False))

    def handle(self) -> None:
        """Handle PJSIP's events."""
        self._library.handle()

    def _repeat(self, every_s: float, act: Callable[[], None]) -> None:
        def turn() -> None:
            act()
            self.later(every_s, turn)

        self.later(every_s, turn)

    def _look(self, *, first: bool) -> None:
        now_s = time.monotonic()
        for line in self.lines.values():
            line.look(now_s, first=first)
            reason = "" if first else line.dead(now_s)
            if reason:
                self.host.emit(LineFault(line=line.name, text=f"{reason}: the call is given up"))
                self.hang_up(line, reason)

    # --- before a call ------------------------------------------------------------------------------------------

    def refusal(self, invite: Message) -> int | None:
        """Decide whether an INVITE may become a call; None if it may, else the answer."""
        device = invite.device(self.options.device_from)
        if self.closing:
            return self._refuse(_UNAVAILABLE, "the trunk is being closed", device)
        if self.options.unknown_devices == "refuse" and not self.options.knows(device):
            return self._refuse(_NOT_FOUND, "unknown device" if device else "no device named", device)
        if not self._has_room():
            return self._refuse(_BUSY, "as many calls as the trunk takes", device)
        if not self._pace.take(time.monotonic()):
            return self._refuse(_UNAVAILABLE, f"more than {self.options.calls_per_s} calls in a second", device)
        return None

    def _has_room(self) -> bool:
        return any(line.free for line in self.lines.values()) and self.native.calls() < self.native.call_limit()

    def _refuse(self, code: int, reason: str, device: str) -> int:
        self.host.emit(CallRefused(code=code, reason=reason, device=device))
        return code

    def library_refused(self, code: int, reason: str) -> None:
        """Tell that PJSIP refused a call by itself (codecs, a malformed body)."""
        self.host.emit(CallRefused(code=code, reason=reason))

    # --- a call -------------------------------------------------------------------------------------------------

    def call_came(self, account: Any, call: int, message: bytes, source: str) -> None:
        """Give the call a line and answer it."""
        invite = Message.read(message)
        taken = Call(account, call, self)
        try:
            self._accept(taken, invite, source)
        except Exception:
            logger.exception("a call could not be taken")
            self._refuse(_INTERNAL, "the call could not be taken", invite.device(self.options.device_from))
            taken.end(_INTERNAL)

    def _accept(self, call: Call, invite: Message, source: str) -> None:
        line = next(line for line in self.lines.values() if line.free)
        labels = invite.labels()
        dialog = Dialog(invite.call_id, invite.from_tag, parties(labels, self.options.caller_labels))
        session = line.take(call, dialog)
        self._by_number[call.number] = line
        self.host.emit(
            CallArrived(
                line=line.name,
                session=session,
                device=invite.device(self.options.device_from),
                ani=invite.ani,
                dnis=invite.dnis,
                reference=invite.call_id,
                details={"source": source, "user_agent": invite.header("user-agent")},
            )
        )
        call.accept(MAX_LEGS if labels else 1)

    def media_changed(self, call: int) -> None:
        """Connect the call's streams."""
        if call in self._by_number:
            self._by_number[call].connect()

    def state_changed(self, call: int, *, gone: bool, reason: str) -> None:
        """Drop a call that is over."""
        if gone and call in self._by_number:
            self._by_number.pop(call).gone(reason)

    def holds(self, bye: Message) -> Callable[[int], None] | None:
        """Let the BYE of a call that is captured wait until its audio is out."""
        line = next((line for line in self.lines.values() if _belongs(bye, line)), None)
        if line is None:
            return None
        if line.bye_held:
            return self._gate.drop  # repeated: the first one's answer serves
        line.bye_held = True
        return lambda request: line.leave("the far end hung up", lambda: self._release(line, request))

    def _release(self, line: Line, request: int) -> None:
        self._gate.release(request)
        line.stay()

    # --- verbs --------------------------------------------------------------------------------------------------

    def hang_up(self, line: Line, reason: str) -> None:
        """End the call when its session is closed."""
        line.leave(reason, lambda: _end_call(line))

    def close(self) -> None:
        """Take no more calls and end those that are up."""
        self.closing = True
        for line in self.lines.values():
            if line.call is not None and not line.leaving:
                self.hang_up(line, "the trunk is being closed")
            elif line.captures:
                line.stop(lambda: None)

    def idle(self) -> bool:
        """Whether every line is free."""
        return all(line.free for line in self.lines.values())


def _belongs(bye: Message, line: Line) -> bool:
    if line.call is None or line.dialog is None or not bye.to_tag:
        return False
    return (bye.call_id, bye.from_tag) == (line.dialog.call_id, line.dialog.remote_tag)


def _end_call(line: Line) -> None:
    if line.call is not None:
        line.call.end()
