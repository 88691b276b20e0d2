"""Where the packets of a stream come from: the address that the far side promised, or a stranger's.

PJSIP believes whoever sends first and takes from nobody else then, so that a device which sends still to a call that is
gone would be recorded in the place of the next call on that port. An address that was not promised is the right one
where nothing comes from the promised one: some gateways send so. Where packets come from both, the promised one is
right, and the kernel keeps everybody else out, until it falls silent.
"""

from __future__ import annotations

import ctypes
import logging
import socket
from typing import Final, final

from drivers.taps.sip._descriptors import own_socket

logger = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 1.0
_NOBODY: Final = bytes(16)  # a sockaddr of AF_UNSPEC: connecting to it lets everybody in again
_libc: Final = ctypes.CDLL(None, use_errno=True)


@final
class Source:
    """The source of one stream."""

    def __init__(self) -> None:
        self._looked_s = 0.0
        self._stranger = ""
        self._own = ""  # address of ours that hears the promised one alone

    def due(self, now_s: float) -> bool:
        """Whether it is time to look again: at once where a stranger was seen, since both may be seen in turns."""
        due = bool(self._stranger) or now_s - self._looked_s >= _LOOK_EVERY_S
        if due:
            self._looked_s = now_s
        return due

    def look(self, own: str, promised: str, latest: str, *, silent: bool) -> str:
        """Take the addresses: ours, the promised one, that of the latest packet, and whether nothing comes now.

        Gives the address of a stranger that is kept out from now on, else an empty one.
        """
        if self._own:
            if silent:
                self.let_in()
            return ""
        if latest != promised:
            self._stranger = latest
        elif self._stranger and _hear_only(own, promised):
            self._own = own
            return self._stranger
        return ""

    def let_in(self) -> None:
        """Hear everybody again: the promised one is silent, or a new one is promised."""
        if self._own:
            _hear_all(self._own)
        self._own = self._stranger = ""


def _hear_only(own: str, address: str) -> bool:
    """Let the socket of that address of ours hear one other alone; False where we have no such socket."""
    host, _, port = address.rpartition(":")
    with own_socket(socket.SOCK_DGRAM, _port(own)) as found:
        if found is not None:
            found[1].connect((host, int(port)))
        return found is not None


def _hear_all(own: str) -> None:
    with own_socket(socket.SOCK_DGRAM, _port(own)) as found:
        if found is not None and _libc.connect(found[1].fileno(), _NOBODY, len(_NOBODY)):
            logger.warning("the socket of %s cannot hear everybody again: errno %d", own, ctypes.get_errno())


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])
