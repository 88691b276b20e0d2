"""Faults on purpose, told to the virtual tap through the box's own door: no loss is silent."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from appliance.audio import measure
from hil.child_box import HOST, ChildBox
from tests.e2e.desk import Desk, check_record, read_legs

RATE = 8000


def fault(box: ChildBox, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "appliance.cli", "fault", *arguments, "--config", str(box.settings_path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def figure(box: ChildBox, name: str) -> float:
    with urllib.request.urlopen(f"http://{HOST}:{box.web_port}/metrics", timeout=10) as answer:
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        text = answer.read().decode()
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found, text
    return float(found[1])


@pytest.mark.parametrize(
    ("kind", "amount", "length_s", "reason"), [("stall", "1", 1.0, "stalled"), ("overflow", "4000", 0.5, "overflow")]
)
def test_missing_frames_are_silence_in_place_and_stand_in_the_record(
    box: ChildBox, kind: str, amount: str, length_s: float, reason: str
) -> None:
    with Desk(box) as desk:
        line = desk.start("5001").data["CHANNEL"]
        time.sleep(1.5)
        done = fault(box, "lines", line, kind, amount)
        assert done.returncode == 0, done.stderr
        time.sleep(2.5)
        path = desk.stop("5001")
    record, legs = check_record(path), read_legs(path)
    for leg, base_hz in enumerate((300, 1000)):
        (pause,) = [s for s in measure.silences(legs[:, leg], RATE) if s.length_s > 0.1]
        assert pause.length_s == pytest.approx(length_s, abs=0.05)
        (gap,) = [g for g in record["gaps"] if g["leg"] == leg]
        assert (gap["reason"], gap["length_s"]) == (reason, pytest.approx(length_s, abs=0.05))
        assert gap["at_s"] == pytest.approx(pause.from_s, abs=0.05)
        after = np.ascontiguousarray(legs[round(pause.until_s * RATE) + 80 :, leg])
        assert measure.find_tone(after, RATE).frequency_hz == pytest.approx(base_hz + 50 * int(line), abs=0.2)
    assert figure(box, 'linetap_frames_lost_total{tap="lines"}') == pytest.approx(2 * length_s * RATE, rel=0.05)


def test_a_line_that_goes_away_ends_its_recording_and_keeps_what_it_had(box: ChildBox) -> None:
    with Desk(box) as desk:
        line = desk.start("5001").data["CHANNEL"]
        time.sleep(1.5)
        assert fault(box, "lines", line, "drop").returncode == 0
        path = desk.saved("5001")
        record = check_record(path)
        assert record["duration_s"] > 1
        assert "dropped" in record["end_reason"]
        desk.send("CALLSTOP", DEVICEID="5001")
        desk.log.wait("CALLSTOP", "5001")


def test_a_worker_that_dies_costs_no_call_and_is_started_again(box: ChildBox) -> None:
    with Desk(box) as desk:
        line = desk.start("5001").data["CHANNEL"]
        time.sleep(1.5)
        fault(box, "lines", line, "die")  # the worker is gone before it can answer
        first = desk.saved("5001")
        assert check_record(first)["interrupted"]
        desk.log.wait("RECORDINGSTARTED", "5001", count=2)  # the call goes on, and so does its recording
        time.sleep(1)
        second = desk.stop("5001")
        assert second != first
        assert not check_record(second)["interrupted"]
    assert figure(box, 'linetap_tap_worker_restarts_total{tap="lines"}') == 1


def test_wrong_faults_are_refused_with_words(box: ChildBox) -> None:
    for arguments, words in (
        (("nowhere", "0", "stall", "1"), "no tap 'nowhere'"),
        (("lines", "99", "stall", "1"), "LineUnknownError"),
        (("lines", "0", "burn", "1"), "no fault 'burn'"),
    ):
        done = fault(box, *arguments)
        assert done.returncode == 1
        assert words in done.stderr


def test_the_door_takes_only_its_own_words_and_stays_open(box: ChildBox) -> None:
    path = box.run_dir / "control.sock"
    assert path.stat().st_mode & 0o007 == 0
    with socket.socket(socket.AF_UNIX) as door, door.makefile("rb") as answers:
        door.settimeout(10)
        door.connect(str(path))
        for line in (b"garbage\n", b'{"verb":"open sesame"}\n', b'{"verb":"simulate","tap":1}\n', b"[]\n"):
            door.sendall(line)
            assert not json.loads(answers.readline())["ok"]
        door.sendall(b'{"verb":"figures"}\n')
        assert "linetap_recordings_active 0" in json.loads(answers.readline())["figures"]
    assert path.is_socket()


def test_without_a_box_the_fault_is_unreachable(tmp_path: Path) -> None:
    settings = tmp_path / "linetap.toml"
    settings.write_text(f'[box]\ndata_dir = "{tmp_path}"\nrun_dir = "{tmp_path}"\n')
    command = [sys.executable, "-m", "appliance.cli", "fault", "a", "0", "stall", "1", "--config", str(settings)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 69
    assert "no box answers" in done.stderr
