"""The calls at a phone, as its PBX tells them (RFC 4235), so that one of them can be joined (RFC 3911)."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Callable
from typing import Final, final

import pjsua2 as pj

from drivers.contract import TapError, TapFailedError
from drivers.taps.sip._message import Message
from drivers.taps.sip._works import Works
from drivers.taps.sip.siprec import Document

_TOKEN: Final = re.compile(r"[A-Za-z0-9.!%*_+`'~()<>:\\/\[\]?{}@-]{1,256}")


@final
@dataclasses.dataclass(frozen=True, slots=True)
class PhoneDialog:
    """A call that goes on at the phone, by the phone's own tags."""

    call_id: str
    local_tag: str
    remote_tag: str

    @property
    def join(self) -> str:
        """Value of the header Join: the receiver's own tag is its to-tag."""
        return f"{self.call_id};to-tag={self.local_tag};from-tag={self.remote_tag}"


@final
class Watching:
    """A subscription to the calls of ``uri``, until the first notification that tells them, or a time-out.

    ``found`` takes the call that goes on, or None and the reason why there is none; it is called once. For the PJSIP
    thread alone.
    """

    def __init__(self, works: Works, uri: str, user: str, found: Callable[[PhoneDialog | None, str], None]) -> None:
        self.user = user
        self.silent = True  # nobody told anything
        self._works = works
        self._uri = uri
        self._found: Callable[[PhoneDialog | None, str], None] | None = found
        self._buddy: pj.Buddy | None = None

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
        wait_s = self._works.options.join_s
        self._works.later(wait_s, lambda: self._settle(None, f"the PBX does not tell of its calls within {wait_s:g} s"))

    def take(self, notify: Message) -> None:
        """Take a notification; one that is only partial may leave out what we look for."""
        document = Document.read(notify.body)
        if document.fault or not notify.body.strip():
            return
        self.silent = False
        dialogs = dialogs_of(document)
        if dialogs:
            self._works.later(0, lambda: self._settle(dialogs[0], ""))
        else:
            self._works.later(0, lambda: self._settle(None, f"{self.user} has no call to join"))

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


def dialogs_of(document: Document) -> list[PhoneDialog]:
    """Give the calls that are up and can be named, in the order of the document."""
    found = []
    for element in document.all("dialog"):
        states = [child.text or "" for child in element if child.tag.rpartition("}")[2] == "state"]
        names = [element.get(key, "") for key in ("call-id", "local-tag", "remote-tag")]
        if [state.strip() for state in states] == ["confirmed"] and all(_TOKEN.fullmatch(name) for name in names):
            found.append(PhoneDialog(*names))
    return found
