"""The simulator as an integrator uses it: beside a client, checked by the conformance kit, and ended by Ctrl-C."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.audio import measure
from appliance.client import Client, EventClient
from hil.child_box import HOST
from hil.ports import free_tcp_ports
from tests.e2e.desk import read_legs

WORD = "simulator"


class Simulator:
    """The command as a child process."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.log = folder / "out.log"
        self.folder = folder / "box"
        words = [sys.executable, "-m", "appliance.cli", "simulate", "--folder", str(self.folder), *arguments]
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(words, stdout=out, stderr=out, stdin=subprocess.DEVNULL)

    def wait_for(self, text: str, timeout_s: float = 30) -> re.Match[str]:
        deadline_s = time.monotonic() + timeout_s
        while not (found := re.search(text, self.said)):
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline_s, self.said
            time.sleep(0.05)
        return found

    @property
    def said(self) -> str:
        return self.log.read_text()

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(40)


@pytest.fixture
def simulators(tmp_path: Path) -> Iterator[list[Simulator]]:
    """Those of the test; each is ended with it."""
    started: list[Simulator] = []
    yield started
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGTERM)


READY = r"commands (\d+), events (\d+), web http://127.0.0.1:(\d+)/"


def test_a_client_works_with_it_and_conform_passes(tmp_path: Path, simulators: list[Simulator]) -> None:
    simulator = Simulator(tmp_path, "--day", "tour", "--free-ports", "--seed", "4")
    simulators.append(simulator)
    ports = [int(port) for port in simulator.wait_for(READY).groups()]
    with Client(HOST, ports[0]) as client, EventClient(HOST, ports[1]) as events:
        assert [
            row["LAST_NAME"] for row in client.request({"TYPE": "IMPORTAGENT", "ACTION": "LIST"}).rows("AGENTS/AGENT")
        ]
        assert events.next(15).event_class
        simulator.wait_for("RECORDINGUPDATE DEVICEID=5001")
        query = "type=export&requestid=1&uniquefield=user1&uniqueid=A-2041&media_format=wav"
        with urllib.request.urlopen(f"http://{HOST}:{ports[2]}/webAPI.aspx?{query}", timeout=20) as answer:
            (tmp_path / "call.wav").write_bytes(answer.read())
    legs = read_legs(tmp_path / "call.wav")
    assert measure.find_tone(legs[:, 0], 8000).level_dbfs > -20  # something is to be heard
    for over in ("tcp", "http"):
        where = ["--port", str(ports[0]), "--events-port", str(ports[1]), "--web-port", str(ports[2])]
        words = [sys.executable, "-m", "appliance.cli", "conform", HOST, *where, "--over", over]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout
    assert simulator.end(signal.SIGINT) == 0
    lines = simulator.said.splitlines()
    assert all(line.startswith(WORD) for line in lines)
    assert "the box has ended" in lines[-1]
    assert not list((simulator.folder / "data").rglob("*.part*"))


def test_once_and_again_in_the_same_folder(tmp_path: Path, simulators: list[Simulator]) -> None:
    day = tmp_path / "mine.toml"
    day.write_text(
        'title = "mine"\nbegins = "09:00"\nends = "09:02"\ngroups = ["G"]\n'
        '[[agents]]\nfirst = "A"\nlast = "B"\ndevice = "5001"\nphone = "2001"\ngroups = ["G"]\n'
        '[[calls]]\nat = "09:00:30"\ndevice = "5001"\nlasts_s = 600\n'  # open when the day ends
    )
    for count in (1, 2):
        simulator = Simulator(tmp_path, "--day", str(day), "--free-ports", "--once")
        simulators.append(simulator)
        assert simulator.process.wait(60) == 0, simulator.said
        assert f"{count} recordings" in simulator.said
        assert "1 CALLSTART, 1 CALLSTOP, 1 RECORDINGSTARTED, 1 RECORDINGSTOPPED, 1 RECORDINGUPDATE" in simulator.said


def test_a_port_that_is_taken_is_told(tmp_path: Path, simulators: list[Simulator]) -> None:
    import socket

    with socket.create_server((HOST, 0)) as taken:
        others = [str(port) for port in free_tcp_ports(2)]
        port = str(taken.getsockname()[1])
        simulator = Simulator(tmp_path, "--port", port, "--events-port", others[0], "--web-port", others[1])
        simulators.append(simulator)
        assert simulator.process.wait(60) == 1
    assert f"port {port} cannot be had" in simulator.said
    assert "Traceback" not in simulator.said
