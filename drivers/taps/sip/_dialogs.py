"""Find the call at a phone by its PBX's word (RFC 4235), so that it can be joined (RFC 3911)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final, final

import pjsua2 as pj

from drivers.contract import TapError, TapFailedError
from drivers.taps.sip._message import Message
from drivers.taps.sip._phone_calls import PhoneCalls, PhoneDialog
from drivers.taps.sip._works import Works

_CHALLENGES: Final = ("401", "407")


@final
class Watching:
    """A subscription to the calls of ``uri``, until the first notification that tells them, or a time-out.

    ``found`` takes the call that goes on, or None and the reason why there is none; it is called once. For the PJSIP
    thread alone.
    """

    def __init__(self, works: Works, uri: str, user: str, found: Callable[[PhoneDialog | None, str], None]) -> None:
        self.user = user
        self.calls = PhoneCalls(user)
        self._works = works
        self._uri = uri
        self._found: Callable[[PhoneDialog | None, str], None] | None = found
        self._buddy: pj.Buddy | None = None
        self._challenges = 0

    @property
    def unsure(self) -> bool:
        """Whether the phone may be in a call for all that was told."""
        return self.calls.unnamed or not self.calls.known

    def begin(self, account: pj.Account) -> None:
        """Subscribe. Raises TapError."""
        settings = pj.BuddyConfig()
        settings.uri, settings.subscribe = self._uri, False
        buddy = pj.Buddy()
        try:
            buddy.create(account, settings)
            self._works.native.watch_dialogs(buddy.getId(), on=True)
        except (pj.Error, TapFailedError) as error:
            raise TapError(f"{self._uri} cannot be watched: {error}") from error
        self._buddy = buddy
        self._works.later(self._works.options.join_s, self._give_up)

    def take(self, notify: Message, body: str) -> None:
        """Take a notification and what it brought; one that is only partial may leave out what we look for."""
        self.calls.take(notify, body)
        state, _, rest = notify.header("subscription-state").partition(";")
        if self.calls.settled:
            self._works.later(0, lambda: self._settle(self.calls.found, self.calls.reason))
        elif state.strip().lower() == "terminated" and not self.calls.heard:
            reason = f"the PBX does not tell of its calls: terminated {rest.strip()}".rstrip()
            self._works.later(0, lambda: self._settle(None, reason))

    def answered(self, status: str) -> None:
        """Take the answer to the subscription, code and reason; PJSIP answers the first challenge itself."""
        is_challenge = status.startswith(_CHALLENGES)
        self._challenges += is_challenge
        if status[:1] in set("3456") and (not is_challenge or self._challenges > 1):
            self._works.later(0, lambda: self._settle(None, f"the PBX does not tell of its calls ({status})"))

    def _give_up(self) -> None:
        wait_s = self._works.options.join_s
        if self.calls.heard:
            self._settle(None, self.calls.reason)
        else:
            self._settle(None, f"the PBX does not tell of its calls within {wait_s:g} s")

    def end(self) -> None:
        """Give it up."""
        self._found = None
        self._unsubscribe()

    def _settle(self, dialog: PhoneDialog | None, reason: str) -> None:
        found, self._found = self._found, None
        self._unsubscribe()
        if found is not None:
            found(dialog, reason)

    def _unsubscribe(self) -> None:
        buddy, self._buddy = self._buddy, None
        if buddy is not None:
            with contextlib.suppress(TapFailedError):  # it is over already
                self._works.native.watch_dialogs(buddy.getId(), on=False)
            self._works.later(5.0, lambda: _drop(buddy))  # its last NOTIFY still comes


def _drop(buddy: pj.Buddy) -> None:
    """Hold the buddy until now: it is deleted with its object."""
    del buddy
