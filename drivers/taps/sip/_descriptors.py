"""Sockets of this process that a library has opened and does not give: found among the descriptors by their port."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Final

_FOLDER: Final = "/proc/self/fd"


@contextlib.contextmanager
def own_socket(kind: socket.SocketKind, port: int) -> Iterator[tuple[int, socket.socket] | None]:
    """Give the descriptor of our first IPv4 socket of that kind with that port, and a copy of it; None where none is.

    The copy is closed behind. The socket may be bound to every address of the machine.
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
            undo.enter_context(copy)
            if (copy.family, copy.type) == (socket.AF_INET, kind) and copy.getsockname()[1] == port:
                yield int(name), copy
                return
    yield None
