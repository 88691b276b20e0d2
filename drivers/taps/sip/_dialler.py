"""The calls that one worker places: which line has which, and what the tap's verbs mean to them."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Final, final

from drivers.contract import LineBusyError, LineIdleError, Party, TapError
from drivers.taps.sip._account import Accounts
from drivers.taps.sip._dialogs import Watching
from drivers.taps.sip._line import Dialog, Line
from drivers.taps.sip._message import Message, user_of
from drivers.taps.sip._number import Target, conference, target
from drivers.taps.sip._outbound import Outbound
from drivers.taps.sip._pace import CallPace
from drivers.taps.sip._phone_calls import PhoneDialog
from drivers.taps.sip._works import Works
from drivers.taps.sip.siprec import SiprecCall

logger = logging.getLogger(__name__)

_JOIN: Final = {"Require": "join", "Supported": "join"}


@final
class Dialler:
    """For the PJSIP thread alone."""

    def __init__(self, works: Works, accounts: Accounts, pace: CallPace) -> None:
        self._works = works
        self._accounts = accounts
        self._pace = pace
        self._calls: dict[str, Outbound] = {}
        self._watched: dict[str, tuple[Line, Watching]] = {}

    # --- verbs ------------------------------------------------------------------------------------------------------

    def dial(self, line: Line, number: str, barge_code: str) -> None:
        """Call a phone from a free line. Raises NumberInvalidError, LineBusyError, TapError."""
        wanted = target(self._works.options, barge_code + number)
        self._check(line)
        self._place(line, wanted, {})

    def join(self, line: Line, number: str) -> None:
        """Join the call at a phone: find it first. Raises NumberInvalidError, LineBusyError, TapError."""
        wanted = target(self._works.options, number)
        self._check(line)
        watching = Watching(
            self._works, wanted.uri, wanted.number, lambda dialog, reason: self._found(line, wanted, dialog, reason)
        )
        watching.begin(self._accounts.caller)
        nothing = SiprecCall(self._works.options, Message.read(b""))
        line.place(None, Dialog("", "", (Party.MIXED, Party.AGENT), (), nothing))
        self._watched[line.name] = line, watching

    def play(self, line: Line, file: Path) -> None:
        """Play a file to the call on the line. Raises LineIdleError, TapError."""
        found = self._calls.get(line.name)
        if found is None or line.leaving:
            raise LineIdleError(f"line {line.name} has no call that it placed")
        found.play(file)

    def hang_up(self, line: Line, reason: str) -> bool:
        """End the call that the line placed, or seeks; False where it has none."""
        if line.name in self._watched:
            self._give_up(line.name, reason)
            return True
        found = self._calls.get(line.name)
        if found is None or line.leaving:
            return False
        found.hang_up(reason)
        return True

    def close(self) -> None:
        """End every call that was placed, and take the registrations back."""
        for name in list(self._watched):
            self._give_up(name, "the trunk is being closed")
        for found in list(self._calls.values()):
            if not found.line.leaving:
                found.hang_up("the trunk is being closed")
        self._accounts.close()

    # --- what comes -------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Tell which files are over."""
        for found in self._calls.values():
            found.look()

    def notified(self, notify: Message, body: str) -> None:
        """Take what a PBX tells of a phone's calls, in a subscription of ours: it may come before its answer."""
        if notify.header("event").partition(";")[0].strip().lower() != "dialog":
            return
        names = notify.call_id, notify.to_tag
        known = (self._works.native.knows_dialog(*names, tag) for tag in (notify.from_tag, ""))
        watching = self._watching(user_of(notify.header("from")))
        if watching is not None and any(known):
            watching.take(notify, body)

    def subscribed(self, answer: Message, status: str) -> None:
        """Take the answer to a subscription."""
        watching = self._watching(user_of(answer.header("to")))
        if watching is not None and self._works.native.knows_dialog(answer.call_id, answer.from_tag, ""):
            watching.answered(status)

    def _watching(self, user: str) -> Watching | None:
        """Find the subscription to a user; where there is but one, the PBX may have written that user otherwise."""
        standing = [watching for _, watching in self._watched.values()]
        found = [watching for watching in standing if watching.user == user]
        return next(iter(found or (standing if len(standing) == 1 else [])), None)

    def _give_up(self, name: str, reason: str) -> None:
        line, watching = self._watched.pop(name)
        watching.end()
        line.gone(reason)

    # --- placing ----------------------------------------------------------------------------------------------------

    def _check(self, line: Line) -> None:
        if not line.free or line.captures:
            raise LineBusyError(f"line {line.name} is in use")
        if not self._pace.take(time.monotonic()):
            raise TapError(f"more than {self._works.options.calls_per_s} calls in a second")

    def _place(self, line: Line, wanted: Target, headers: dict[str, str], *, fallback: str = "") -> None:
        call = Outbound(self._works, line, wanted.digits, self._forget)
        call.fallback = fallback
        self._calls[line.name] = call
        try:
            call.place(self._accounts.caller, wanted.uri, headers)
        except BaseException:
            self._forget(call)
            raise

    def _forget(self, call: Outbound) -> None:
        if self._calls.get(call.line.name) is call:
            del self._calls[call.line.name]

    def _found(self, line: Line, wanted: Target, dialog: PhoneDialog | None, reason: str) -> None:
        _, watching = self._watched.pop(line.name)
        instead = conference(self._works.options, wanted.number)
        try:
            if dialog is not None:
                self._place(line, wanted, {**_JOIN, "Join": dialog.join}, fallback=instead)
            elif instead and watching.unsure:
                logger.info("line %s: %s: the conference is called", line.name, reason)
                self._place(line, Target(wanted.number, instead, wanted.digits), {})
            else:
                line.gone(reason)
        except TapError as error:
            line.gone(str(error))
