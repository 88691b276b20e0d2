"""What a box answers to what no client should send, and what it does when its disk is full."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.audio import measure
from hil.child_box import HOST, ROOT, ChildBox
from tests.e2e.conftest import Boxes
from tests.e2e.desk import Desk, check_record, read_legs

TEST = b"<REQUEST><TYPE>TEST</TYPE><REQUESTID>7</REQUESTID></REQUEST>\r\n"
RATE = 8000


class Raw:
    """A bare connection to the command port."""

    def __init__(self, box: ChildBox) -> None:
        self.socket = socket.create_connection((HOST, box.api_port), 10)
        self.rest = b""

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def code(self, timeout_s: float = 10) -> int:
        """RESULTCODE of the next answer; 0 when the box hangs up."""
        self.socket.settimeout(timeout_s)
        while b"</RESULT>" not in self.rest:
            octets = self.socket.recv(65536)
            if not octets:
                return 0
            self.rest += octets
        answer, _, self.rest = self.rest.partition(b"</RESULT>")
        found = re.search(rb"<RESULTCODE>(\d+)</RESULTCODE>", answer)
        assert found, answer
        return int(found.group(1))


@pytest.fixture
def raw(shared_box: ChildBox) -> Iterator[Raw]:
    connection = Raw(shared_box)
    yield connection
    connection.socket.close()
    good = Raw(shared_box)  # whatever was sent, the box serves the next one
    good.send(TEST)
    assert good.code() == 20
    good.socket.close()


def test_half_a_message_and_a_half_close_is_answered_and_closed(raw: Raw) -> None:
    raw.send(TEST[:30])
    raw.socket.shutdown(socket.SHUT_WR)
    assert raw.code() == 16
    assert raw.code() == 0


def test_half_a_message_that_idles_is_refused(make_box: Boxes) -> None:
    box = make_box([{"name": "lines", "kind": "virtual", "lines": 1}], api={"idle_s": 1})
    raw = Raw(box)
    raw.send(TEST[:30])
    assert raw.code() == 16
    raw.socket.close()


def test_ten_megabytes_without_an_end_are_refused_and_closed(raw: Raw) -> None:
    try:
        for _ in range(160):
            raw.send(b"<REQUEST><TYPE>" + b"x" * 65536)
    except OSError:  # closed while we still send, as it should
        pass
    try:
        assert raw.code() in (0, 16)
        assert raw.code() == 0
    except ConnectionResetError:
        pass  # it closed with our bytes unread


def test_garbage_and_then_a_message_on_the_same_connection(raw: Raw) -> None:
    raw.send(b"\xff\xfehello, world\r\n" + TEST)
    assert raw.code() == 16
    assert raw.code() == 20


def test_a_doctype_is_refused(raw: Raw) -> None:
    raw.send(b'<!DOCTYPE r [<!ENTITY a "b">]>\r\n' + TEST)
    assert raw.code() == 16


def test_a_request_id_past_31_bits_is_refused(raw: Raw) -> None:
    raw.send(TEST.replace(b">7<", b">2147483648<"))
    assert raw.code() == 14
    raw.send(TEST.replace(b">7<", b">2147483647<"))
    assert raw.code() == 20


def test_a_settings_file_with_three_faults_names_all_three(tmp_path: Path) -> None:
    path = tmp_path / "faulty.toml"
    path.write_text('[box]\ncore_id = 0\n[api]\nprot = 5620\n[[taps]]\nname = "a"\nkind = "virtual"\nlines = "many"\n')
    command = [sys.executable, "-m", "appliance.cli", "run", "--config", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 78
    faults = [re.match(r"(.*):(\d+): ([^:]+): (.+)", line) for line in done.stderr.splitlines()]
    told = {(Path(f[1]).name, int(f[2]), f[3]) for f in faults if f}
    assert len(told) == 3
    assert {line for _, line, _ in told} == {2, 4, 8}
    assert "linetap ready" not in done.stdout


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MiB."""
    path = tmp_path / "disk"
    path.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mount: only root may")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", path], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"mount: {mounted.stderr.decode().strip()}")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


def fill(disk: Path) -> Path:
    """Leave no room on the disk."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            pass  # full
    return ballast


def test_a_disk_below_its_reserve_takes_no_new_recording_and_says_so(tiny_disk: Path, make_box: Boxes) -> None:
    recording = {"path": str(tiny_disk / "recordings"), "reserve_mb": 5}
    with Desk(make_box([{"name": "lines", "kind": "virtual"}], recording=recording)) as desk:
        ballast = fill(tiny_disk)
        refused = desk.start("5001")
        assert refused.data["ERRORREASON"] == "API_ERROR_OUT_OF_DISK_SPACE"
        ballast.unlink()
        desk.send("CALLSTOP", DEVICEID="5001")
        assert desk.start("5002").data["ERRORREASON"] == "NONE"
        time.sleep(1)
        check_record(desk.stop("5002"))


def test_a_disk_that_fills_up_while_recording_costs_no_audio(tiny_disk: Path, make_box: Boxes) -> None:
    recording = {"path": str(tiny_disk / "recordings"), "reserve_mb": 0, "holdback_s": 1}
    with Desk(make_box([{"name": "lines", "kind": "virtual"}], recording=recording)) as desk:
        line = int(desk.start("5001").data["CHANNEL"])
        time.sleep(2)
        ballast = fill(tiny_disk)
        time.sleep(4)
        ballast.unlink()
        time.sleep(2)
        path = desk.stop("5001")
        legs = read_legs(path)
        assert len(legs) / RATE == pytest.approx(8.2, abs=0.5)
        for leg, base_hz in enumerate((300, 1000)):
            found = measure.check_continuity(legs[:, leg], RATE)
            assert found.tone.frequency_hz == pytest.approx(base_hz + 50 * line, abs=0.1)
            assert found.unbroken
        assert check_record(path)["gaps"] == []
