"""The calls that a worker has up, noted where they outlive it, so that their far ends can be told when it dies.

A file of each worker in the front's folder, in memory. A call has a page of its own, and in it the BYE that ends it:
the kernel writes a page whole or not at all, whatever is killed. The file is locked as long as the worker lives.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import secrets
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final, final

from drivers.contract import TapFailedError
from drivers.taps.sip._farewell import Farewell
from drivers.taps.sip._message import Message

logger = logging.getLogger(__name__)

PAGE: Final = 4096
PATTERN: Final = "calls-*-*"
_MOST_ARRIVING: Final = 32


@final
class Ledger:
    """The worker's end. ``calls`` is how many it can have at once. For one thread."""

    def __init__(self, folder: Path, worker: int, calls: int) -> None:
        self._path = folder / f"calls-{worker}-{secrets.token_hex(4)}"
        self._file = -1
        self._pages: list[str] = [""] * calls  # Call-ID of each
        self._invites: dict[str, Message] = {}
        self._known: dict[str, Farewell] = {}

    def open(self) -> None:
        """Make the file and lock it. Raises :class:`TapFailedError`."""
        made = self._path.with_name(f".{self._path.name}")
        try:
            self._file = os.open(made, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            made.rename(self._path)  # locked before anybody can find it
        except OSError as error:
            raise TapFailedError(f"the calls cannot be noted: {error}") from error

    def came(self, invite: Message) -> None:
        """Take note of who calls."""
        self._invites[invite.call_id] = invite
        while len(self._invites) > _MOST_ARRIVING:
            del self._invites[next(iter(self._invites))]

    def confirmed(self, ack: Message) -> None:
        """Note a call that came, now that the far end has our answer."""
        invite = self._invites.pop(ack.call_id, None)
        if invite is not None:
            self._note(Farewell.of_call(invite, ack))

    def answered(self, answer: Message) -> None:
        """Note a call that we placed."""
        if answer.call_id not in self._known:
            self._note(Farewell.of_answer(answer))

    def moved(self, request: Message) -> None:
        """Take the far end's new address from a request within a call."""
        known = self._known.get(request.call_id)
        if known is not None and known.moved(request) != known:
            self._note(known.moved(request))

    def keep(self, call_ids: Collection[str]) -> None:
        """Strike out every call but these."""
        for call_id in [known for known in self._known if known not in call_ids]:
            del self._known[call_id]
            page = self._pages.index(call_id)
            self._pages[page] = ""
            self._write(page, "")

    def close(self) -> None:
        """Close the file; it goes unless calls are noted that nobody has ended."""
        if self._file >= 0:
            if not self._known:
                self._path.unlink(missing_ok=True)
                with contextlib.suppress(OSError):
                    self._path.parent.rmdir()  # the front left it to us
            os.close(self._file)
            self._file = -1

    def _note(self, farewell: Farewell) -> None:
        call_id, text = farewell.call_id, farewell.text()
        if call_id not in self._pages and "" not in self._pages:
            return
        if not text or len(text.encode()) > PAGE:
            logger.warning("call %s: its far end could not be told of the worker's death", call_id)
            return
        page = self._pages.index(call_id if call_id in self._pages else "")
        self._pages[page] = call_id
        self._known[call_id] = farewell
        self._write(page, text)

    def _write(self, page: int, text: str) -> None:
        try:
            os.pwrite(self._file, text.encode("utf-8", "replace").ljust(PAGE), page * PAGE)
        except OSError as error:  # no call is worth less for it
            logger.warning("a call cannot be noted: %s", error)


def read_ledger(file: int) -> dict[str, str]:
    """Give the BYE of each call that is noted in an open file, by its Call-ID. Raises OSError."""
    octets = os.pread(file, os.fstat(file).st_size, 0)
    pages = [octets[at : at + PAGE].decode("utf-8", "replace").rstrip(" ") for at in range(0, len(octets), PAGE)]
    return {Message.read(text.encode()).call_id: text for text in pages if text.startswith("BYE ")}


def worker_of(path: Path) -> int:
    """Worker whose file it is; -1 for a file of another name."""
    words: Sequence[str] = path.name.split("-")
    return int(words[1]) if len(words) == 3 and words[1].isdecimal() else -1
