from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from hil.ports import free_sip_port, free_tcp_ports, free_udp_ports


@pytest.mark.parametrize("free_ports", [free_tcp_ports, free_udp_ports])
def test_ports_are_free_and_differ(free_ports: Callable[[int], list[int]]) -> None:
    assert len(set(free_ports(20))) == 20


def test_the_ports_above_a_sip_port_are_free() -> None:
    base = free_sip_port(3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", base + 4))
        assert free_sip_port(3) != base
