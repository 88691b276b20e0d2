"""``linetap hil run`` on a serial port that leads back what is sent: a pseudo-terminal, and a plug behind it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.wires.rigsuite.bench import run_suite

pytestmark = pytest.mark.wires

RIG = """\
[station]
name = "a port"
[[serial_ports]]
name = "SMDR"
device = "{device}"
baud = 115200
looped = true
"""
Plug = Callable[[bytes], bytes]


@contextlib.contextmanager
def port(plug: Plug) -> Iterator[str]:
    """Have a port whose plug leads back what ``plug`` makes of it; gives its device."""
    near, far = os.openpty()
    ended = threading.Event()

    def lead_back() -> None:
        while not ended.is_set():
            if select.select([near], [], [], 0.05)[0]:
                os.write(near, plug(os.read(near, 4096)))

    thread = threading.Thread(target=lead_back)
    thread.start()
    try:
        yield os.ttyname(far)
    finally:
        ended.set()
        thread.join()
        os.close(near)
        os.close(far)


def measured(device: str, folder: Path) -> tuple[int, str, dict[str, Any]]:
    (folder / "rig.toml").write_text(RIG.format(device=device))
    done = run_suite("--rig", folder / "rig.toml", "--report", folder / "out", "--only", "serial_errors")
    (result,) = json.loads((folder / "out" / "report.json").read_text())["results"]
    return done.returncode, done.stdout + done.stderr, result


def test_every_octet_comes_back(tmp_path: Path) -> None:
    with port(lambda data: data) as device:
        code, said, result = measured(device, tmp_path)
    assert (code, result["value"], result["line"]) == (0, 0, "SMDR"), said
    assert result["remark"] == "1024 of 1024 octets came back at 115200 baud"


@pytest.mark.parametrize(
    ("plug", "errors"),
    [
        (lambda data: bytes(octet & 0x7F for octet in data), 512),  # a port of seven bits
        (lambda data: data.replace(b"\x11", b"").replace(b"\x13", b""), None),  # one that takes XON and XOFF away
        (lambda _: b"", 1024),  # no plug
    ],
    ids=["seven-bits", "flow-control", "no-plug"],
)
def test_octets_that_change_or_stay_away_are_counted(plug: Plug, errors: int | None, tmp_path: Path) -> None:
    with port(plug) as device:
        code, said, result = measured(device, tmp_path)
    assert (code, result["passed"]) == (1, False), said
    assert result["value"] == errors if errors is not None else result["value"] > 8


def test_a_port_that_is_not_there_is_told(tmp_path: Path) -> None:
    code, said, result = measured(str(tmp_path / "ttyS9"), tmp_path)
    assert (code, result["value"]) == (1, None), said
    assert "ttyS9: No such file or directory" in result["remark"]
