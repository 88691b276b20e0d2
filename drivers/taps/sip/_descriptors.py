"""Sockets of this process that a library has opened and does not give: found among the descriptors by their port."""

from __future__ import annotations

import contextlib
import os
import select
import socket
from collections.abc import Container, Generator, Iterator
from typing import Final

_FOLDER: Final = "/proc/self/fd"


@contextlib.contextmanager
def own_socket(kind: socket.SocketKind, port: int) -> Iterator[tuple[int, socket.socket] | None]:
    """Give the descriptor of our first IPv4 socket of that kind with that port, and a copy of it; None where none is.

    The copy is closed behind. The socket may be bound to every address of the machine.
    """
    with contextlib.closing(_sockets(kind)) as found:
        yield next(((number, copy) for number, copy in found if copy.getsockname()[1] == port), None)


def has_unread(ports: Container[int]) -> bool:
    """Whether a datagram waits at an IPv4 socket of ours with one of those ports."""
    with contextlib.closing(_sockets(socket.SOCK_DGRAM)) as found:
        return any(copy.getsockname()[1] in ports and _waits(copy) for _, copy in found)


def _waits(at: socket.socket) -> bool:
    waiting = select.poll()
    waiting.register(at, select.POLLIN)
    return bool(waiting.poll(0))


def _sockets(kind: socket.SocketKind) -> Generator[tuple[int, socket.socket], None, None]:
    """Give every IPv4 socket of ours of that kind, as a copy that is there until the next one is asked for.

    A copy shares more than the port: with ``setblocking`` or ``dup``, which calls that, the library would block too.
    """
    for name in os.listdir(_FOLDER):  # noqa: PTH208 - as the kernel names them
        with contextlib.ExitStack() as undo:
            try:
                descriptor = os.dup(int(name))
                undo.callback(os.close, descriptor)
                copy = socket.socket(fileno=descriptor)
            except OSError:  # gone, or no socket
                continue
            undo.pop_all()
            with copy:
                if (copy.family, copy.type) == (socket.AF_INET, kind):
                    yield int(name), copy
