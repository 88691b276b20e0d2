"""Who is heard on a socket, where packets come from the promised address and from a stranger's."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

import pytest

from drivers.taps.sip._source import Source
from hil.ports import free_udp_ports

LOCAL = "127.0.0.1"


@contextlib.contextmanager
def bound(host: str = LOCAL) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind((host, *free_udp_ports(1)))  # a port that is named, as PJSIP does: only that one outlives let_in
        made.settimeout(0.2)
        yield made


def name(of: socket.socket) -> str:
    host, port = of.getsockname()
    return f"{host}:{port}"


def heard(own: socket.socket, *others: socket.socket) -> list[bool]:
    """Whether a packet of each comes through."""
    through = []
    for other in others:
        other.sendto(b"x", (LOCAL, own.getsockname()[1]))
        try:
            through.append(own.recvfrom(16)[1] == other.getsockname())
        except TimeoutError:
            through.append(False)
    return through


@pytest.mark.parametrize("host", [LOCAL, "0.0.0.0"])
def test_where_both_send_the_promised_one_alone_is_heard_until_it_is_silent(host: str) -> None:
    with bound(host) as own, bound() as promised, bound() as stranger:
        source, before = Source(), sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208 - as the kernel names them
        addresses = name(own), name(promised)
        assert source.look(*addresses, name(stranger), silent=False) == ""
        assert heard(own, promised, stranger) == [True, True]
        assert source.look(*addresses, name(promised), silent=False) == name(stranger)
        assert heard(own, promised, stranger) == [True, False]
        assert source.look(*addresses, name(promised), silent=False) == ""
        assert source.look(*addresses, name(promised), silent=True) == ""
        assert heard(own, promised, stranger) == [True, True]
        assert sorted(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - no descriptor is left


def test_a_source_that_moves_and_stays_there_is_heard() -> None:
    with bound() as own, bound() as promised, bound() as moved:
        source = Source()
        for latest in (promised, promised, moved, moved):
            assert source.look(name(own), name(promised), name(latest), silent=False) == ""
        assert heard(own, promised, moved) == [True, True]


def test_a_new_promise_lets_everybody_in() -> None:
    with bound() as own, bound() as promised, bound() as stranger:
        source = Source()
        source.look(name(own), name(promised), name(stranger), silent=False)
        source.look(name(own), name(promised), name(promised), silent=False)
        assert heard(own, stranger) == [False]
        source.let_in()
        assert heard(own, stranger) == [True]
