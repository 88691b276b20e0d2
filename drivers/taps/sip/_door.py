"""The door of a worker behind a front: SIPREC metadata comes in by it, past the 4000 octets that PJSIP can read.

The front sends a datagram just before the request that the metadata belongs to. It also holds a connection to the
door: its end tells the front that this worker is gone, and one octet that it would rather have no more calls.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import select
import socket
import time
from typing import Final, final

from drivers.contract import TapOptionsError
from drivers.taps.sip._place import Place

logger = logging.getLogger(__name__)

_LONGEST_BYTES: Final = 1 << 16
_KEPT: Final = 32
_WAIT_S: Final = 0.1
_BUFFER_BYTES: Final = 1 << 20
RELIEF: Final = b"R"


@final
class Door:
    """For the PJSIP thread alone, :meth:`open` and :meth:`close` among it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._held: list[socket.socket] = []
        self._relief = False
        self._waiting: collections.OrderedDict[tuple[str, str], str] = collections.OrderedDict()

    def open(self) -> None:
        """Listen. Raises :class:`TapOptionsError` where the port is taken."""
        own = (self._place.host, self._place.door)
        self._datagrams.setblocking(False)
        self._datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self._listener.setblocking(False)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._datagrams.bind(own)
            self._listener.bind(own)
            self._listener.listen()
        except OSError as error:
            raise TapOptionsError(f"cannot listen on {own[0]}:{own[1]}: {error}") from error

    def look(self) -> None:
        """Take what came, so that the kernel's buffer stays empty; keep the front's connection."""
        if not select.select([self._datagrams, self._listener, *self._held], [], [], 0)[0]:
            return
        self._drain()
        with contextlib.suppress(BlockingIOError):
            while True:
                end, _ = self._listener.accept()
                end.setblocking(False)
                self._held.append(end)
                if self._relief:
                    _say(end, RELIEF)
        self._held = [end for end in self._held if _stands(end)]

    def ask_relief(self) -> None:
        """Ask the front to give calls to other workers as long as they have room."""
        if not self._relief:
            self._relief = True
            for end in self._held:
                _say(end, RELIEF)

    def take(self, call_id: str, sequence: str) -> str:
        """Give the document that belongs to the request, which its header promises; empty if it does not come.

        ``sequence`` is the request's CSeq. The datagram is there before the request but on a very busy machine: then
        it is waited for, a tenth of a second at most.
        """
        give_up_s = time.monotonic() + _WAIT_S
        while True:
            self._drain()
            document = self._waiting.pop((call_id, sequence), "")
            left_s = give_up_s - time.monotonic()
            if document or left_s <= 0:
                return document
            select.select([self._datagrams], [], [], left_s)

    def close(self) -> None:
        """Close every socket."""
        for end in (self._datagrams, self._listener, *self._held):
            end.close()

    def _drain(self) -> None:
        while True:
            try:
                octets, sender = self._datagrams.recvfrom(_LONGEST_BYTES)
            except BlockingIOError:
                return
            if sender not in self._place.senders:
                logger.warning("metadata of a stranger: %s:%d", *sender)
                continue
            call_id, sequence, document = [*octets.decode(errors="replace").split("\r\n", 2), "", ""][:3]
            self._waiting[call_id, sequence] = document
            while len(self._waiting) > _KEPT:
                lost, _ = self._waiting.popitem(last=False)
                logger.warning("metadata came without its request: call %s, %s", *lost)


def _say(end: socket.socket, octets: bytes) -> None:
    with contextlib.suppress(OSError):
        end.send(octets)


def _stands(end: socket.socket) -> bool:
    try:
        stands = end.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        stands = False
    if not stands:
        end.close()
    return stands
