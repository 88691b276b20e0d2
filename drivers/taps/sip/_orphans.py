"""The calls of workers that died: their far ends get the BYE that the worker left in its ledger.

Where there is a front it looks for them, and sends through Kamailio. Where there is none a worker looks for those of
the one whose place it took, and sends to whom the BYE names: by UDP, and to addresses alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import logging
import os
import socket
import time
from pathlib import Path
from typing import Final, Self, final

from drivers.taps.sip._farewell import next_hop, sent_from
from drivers.taps.sip._ledger import PATTERN, read_ledger, worker_of
from drivers.taps.sip._message import Message
from drivers.taps.sip._place import LOCAL

logger = logging.getLogger(__name__)

_FIRST_S, _LONGEST_S, _GIVE_UP_S = 0.5, 4.0, 8.0  # RFC 3261, 17.1.2.2, but for how long: the front gives up after 5 s
_FIND_S: Final = 1.0  # deaths that we were not told of: before our time
_DYING_S, _STEP_S = 0.2, 0.01
_FINAL: Final = 200
_LONGEST_BYTES: Final = 1 << 16


@final
@dataclasses.dataclass(slots=True)
class _Bye:
    octets: bytes
    address: tuple[str, int]
    give_up_s: float
    due_s: float
    pause_s: float = _FIRST_S


@final
class _Estate:
    """The ledger of a dead worker, locked by us until every far end has answered; the file goes then."""

    def __init__(self, path: Path, file: int, byes: dict[str, _Bye]) -> None:
        self.path = path
        self.worker = worker_of(path)
        self.byes = byes
        self.call_ids = frozenset(byes)
        self._file = file

    @classmethod
    def take(cls, path: Path, own: tuple[str, int], through: tuple[str, int] | None, now_s: float) -> Self | None:
        """Take what a worker left; None while it lives."""
        try:
            file = os.open(path, os.O_RDWR)
        except OSError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            texts = read_ledger(file)
        except OSError:
            os.close(file)
            return None
        byes = {}
        for call_id, text in texts.items():
            address = through or next_hop(text)
            if address is None:
                logger.warning("call %s: its far end cannot be told that it is ended", call_id)
                continue
            byes[call_id] = _Bye(sent_from(text, *own), address, now_s + _GIVE_UP_S, now_s)
        return cls(path, file, byes)

    def close(self, *, done: bool) -> None:
        """Let go of the file; it stays for the next front where not all is ``done``."""
        if done:
            self.path.unlink(missing_ok=True)
        os.close(self._file)


@final
class Orphans:
    """Looks for them in ``folder``. For one thread.

    Parameters
    ----------
    through
        The front's address towards the workers; None where there is no front.
    host
        Address that is sent from, 0.0.0.0 for any.
    worker
        Whose calls alone to look for; None for those of all.
    """

    def __init__(
        self, folder: Path, through: tuple[str, int] | None, host: str = LOCAL, worker: int | None = None
    ) -> None:
        self._folder = folder
        self._through = through
        self._pattern = PATTERN if worker is None else PATTERN.replace("*", str(worker), 1)
        self._estates: dict[Path, _Estate] = {}
        self._found_s = -_FIND_S
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((host, 0))

    def look(self) -> None:
        """Find the dead, hear who has answered, and say BYE to the others when it is due."""
        if time.monotonic() - self._found_s >= _FIND_S:
            self._find()
        if not self._estates:
            return
        self._hear()
        self._send(time.monotonic())
        for path, estate in list(self._estates.items()):
            if not estate.byes:
                del self._estates[path]
                estate.close(done=True)

    def of(self, worker: int) -> frozenset[str]:
        """Say BYE for a worker that died just now; gives the Call-IDs of its calls.

        The kernel closes its connections before it lets go of its files.
        """
        end_s = time.monotonic() + _DYING_S
        while True:
            self._find()
            found = [estate for estate in self._estates.values() if estate.worker == worker]
            if found or time.monotonic() > end_s or not self._files(worker):
                self._send(time.monotonic())
                return frozenset().union(*(estate.call_ids for estate in found))
            time.sleep(_STEP_S)

    def alive(self, worker: int) -> frozenset[str]:
        """Call-IDs of the calls that a worker has up while it lives."""
        found: set[str] = set()
        for path in self._files(worker):
            with contextlib.suppress(OSError), path.open("rb") as file:
                found |= read_ledger(file.fileno()).keys()
        return frozenset(found)

    def close(self) -> None:
        """Leave what is not done to the next front."""
        for estate in self._estates.values():
            estate.close(done=not estate.byes)
        self._estates.clear()
        self._socket.close()

    def _files(self, worker: int) -> list[Path]:
        """Files of the worker that we have not taken."""
        return [path for path in self._folder.glob(PATTERN) if worker_of(path) == worker and path not in self._estates]

    def _find(self) -> None:
        self._found_s = time.monotonic()
        for path in sorted(self._folder.glob(self._pattern)):
            if path in self._estates:
                continue
            estate = _Estate.take(path, self._socket.getsockname(), self._through, time.monotonic())
            if estate is not None:
                self._estates[path] = estate
                if estate.byes:
                    logger.info("%d calls of SIP worker %d, which died, are ended", len(estate.byes), estate.worker)

    def _hear(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                answer = Message.read(self._socket.recv(_LONGEST_BYTES))
                if not (answer.request_uri.isdecimal() and int(answer.request_uri) >= _FINAL):
                    continue
                for estate in self._estates.values():
                    estate.byes.pop(answer.call_id, None)

    def _send(self, now_s: float) -> None:
        for estate in self._estates.values():
            for call_id, bye in list(estate.byes.items()):
                if now_s >= bye.give_up_s:
                    logger.warning("call %s: its far end does not answer that it is ended", call_id)
                    del estate.byes[call_id]
                elif now_s >= bye.due_s:
                    bye.due_s, bye.pause_s = now_s + bye.pause_s, min(2 * bye.pause_s, _LONGEST_S)
                    with contextlib.suppress(OSError):
                        self._socket.sendto(bye.octets, bye.address)
