"""Ports of the loopback that are free now."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Final

_HOST: Final = "127.0.0.1"
_PORTS_OF_A_FRONT = 4  # below those of its workers, which have two each


def free_tcp_ports(count: int) -> list[int]:
    """Find free ports of the loopback; all differ."""
    with contextlib.ExitStack() as held:
        return [_bind(held, socket.SOCK_STREAM, 0) for _ in range(count)]


def free_udp_ports(count: int) -> list[int]:
    """Find free ports of the loopback; all differ."""
    with contextlib.ExitStack() as held:
        return [_bind(held, socket.SOCK_DGRAM, 0) for _ in range(count)]


def free_sip_port(workers: int) -> int:
    """Find a port such that all that a trunk of so many workers uses are free, with a front and without one."""
    span = 2 * workers + _PORTS_OF_A_FRONT
    for base in range(10_000 + os.getpid() % 80 * 100, 20_000, span):
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in range(base, base + span):
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    _bind(held, kind, port)
            return base  # an address in use ends this turn without it
    raise OSError("no free SIP ports")


def _bind(held: contextlib.ExitStack, kind: socket.SocketKind, port: int) -> int:
    bound = held.enter_context(socket.socket(socket.AF_INET, kind))
    bound.bind((_HOST, port))
    return int(bound.getsockname()[1])
