"""Sockets found by their port among our own descriptors."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from drivers.taps.sip._descriptors import has_unread, own_socket

LOCAL = "127.0.0.1"


def bound(kind: socket.SocketKind) -> socket.socket:
    made = socket.socket(socket.AF_INET, kind)
    made.bind((LOCAL, 0))
    return made


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_socket_is_found_by_kind_and_port() -> None:
    with bound(socket.SOCK_DGRAM) as datagrams, bound(socket.SOCK_STREAM) as stream:
        before = descriptors()
        for own in (datagrams, stream):
            with own_socket(own.type, own.getsockname()[1]) as found:
                assert found is not None
                assert (found[0], found[1].getsockname()) == (own.fileno(), own.getsockname())
        other = datagrams.getsockname()[1]
        if other != stream.getsockname()[1]:
            with own_socket(socket.SOCK_STREAM, other) as found:
                assert found is None
        assert descriptors() == before


def test_what_waits_unread_is_seen_at_the_ports_that_are_asked_for() -> None:
    with bound(socket.SOCK_DGRAM) as one, bound(socket.SOCK_DGRAM) as other:
        port = one.getsockname()[1]
        one.setblocking(False)
        assert not has_unread({port})
        assert not os.get_blocking(one.fileno())
        other.sendto(b"x", (LOCAL, port))
        before = descriptors()
        assert has_unread({port})
        assert not os.get_blocking(one.fileno())
        assert not has_unread({other.getsockname()[1]})
        assert not has_unread(set())
        one.recv(1)
        assert not has_unread({port})
        assert descriptors() == before
