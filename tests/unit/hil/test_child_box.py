from __future__ import annotations

import socket
import tomllib
from pathlib import Path
from typing import Any

from hil.child_box import free_sip_port, free_tcp_ports, write_toml


def test_settings_are_read_as_they_were_written() -> None:
    tables = {"box": {"data_dir": Path("/a b"), "core_id": 3}, "api": {"compact": True, "allow": ["127.0.0.0/8"]}}
    rows: list[dict[str, Any]] = [
        {"name": 'quo"te', "assign": {"0": "device:5003"}},
        {"name": "two", "devices": ("50*", "6?")},
    ]
    read = tomllib.loads(write_toml(tables, {"taps": rows}))
    assert read["box"] == {"data_dir": "/a b", "core_id": 3}
    assert read["api"] == {"compact": True, "allow": ["127.0.0.0/8"]}
    assert read["taps"] == [rows[0], {"name": "two", "devices": ["50*", "6?"]}]


def test_ports_are_free_and_differ() -> None:
    assert len(set(free_tcp_ports(20))) == 20


def test_the_ports_above_a_sip_port_are_free() -> None:
    base = free_sip_port(3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", base + 4))
        assert free_sip_port(3) != base
