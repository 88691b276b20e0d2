"""``linetap tone`` and ``linetap meter`` as a technician runs them, through ALSA, PortAudio and PulseAudio."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from appliance.audio.measure import find_tone
from tests.wires.soundcard.pulse import Pulse, pulse

pytestmark = pytest.mark.wires

LINETAP = [sys.executable, "-m", "appliance.cli"]


@pytest.fixture(scope="module")
def server() -> Iterator[Pulse]:
    with pulse({"card": (4, 48000)}) as made:
        with Path(made.environment["ALSA_CONFIG_PATH"]).open("a") as conf:
            conf.write("pcm.speaker { type pulse device card }\n")
        yield made


@contextlib.contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*LINETAP, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ctrl_c(process: subprocess.Popen[str]) -> tuple[int, str]:
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors


@pytest.mark.parametrize("backend", ["alsa", "portaudio"])
def test_a_tone_on_one_channel_is_metered_there_alone(server: Pulse, backend: str) -> None:
    words = ["--channels", "4", "--backend", backend]
    with (
        started("tone", "--device", "speaker", "--channel", "3", "--level", "-13", *words) as tone,
        started("meter", "--device", "card", "--json", "--full-scale-dbm0", "3.14", *words) as meter,
    ):
        assert tone.stdout is not None
        assert meter.stdout is not None
        assert "plays into speaker" in tone.stdout.readline()
        until_s = time.monotonic() + 30
        while (readings := json.loads(meter.stdout.readline())["channels"])[2]["level_dbfs"] < -13.1:
            assert time.monotonic() < until_s, readings
        assert readings[2]["level_dbfs"] == pytest.approx(-13, abs=0.1)
        assert readings[2]["level_dbm0"] == pytest.approx(-9.86, abs=0.1)
        assert readings[2]["peak_dbfs"] == pytest.approx(-13, abs=0.1)
        assert [readings[n]["level_dbfs"] for n in (0, 1, 3)] == [-120] * 3
        assert ctrl_c(tone) == (0, "")
        assert ctrl_c(meter) == (0, "")


def test_on_a_terminal_levels_are_drawn_over_each_other(server: Pulse) -> None:
    ours, theirs = pty.openpty()
    words = ["meter", "--device", "card", "--channels", "2", "--full-scale-dbm0", "3.14", "--seconds", "2"]
    process = subprocess.Popen([*LINETAP, *words], stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the end of a terminal
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    assert process.communicate(timeout=30)[1] == b""
    assert process.returncode == 0
    rows = re.findall(r"  ([12]) [#.|]{40} (-120\.0) dBFS, peak -120\.0  -116\.9 dBm0", shown.decode())
    assert {number for number, _ in rows} == {"1", "2"}
    assert b"\x1b[2F" in shown


@pytest.mark.parametrize("command", ["meter", "tone"])
@pytest.mark.parametrize("backend", ["alsa", "portaudio"])
def test_a_device_that_is_not_there_is_told(server: Pulse, command: str, backend: str) -> None:
    with started(command, "--device", "nowhere", "--backend", backend) as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "nowhere" in errors
    assert "Traceback" not in errors


def test_too_many_channels_are_told(server: Pulse) -> None:
    with started("tone", "--device", "speaker", "--channels", "40", "--backend", "portaudio") as process:
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (1, "speaker has 32 outputs, not 40\n")


@pytest.mark.parametrize(("signal_name", "level"), [("sine", -13.0), ("sweep", -13.0), ("noise", -20.0)])
def test_a_file_has_the_signal(tmp_path: Path, signal_name: str, level: float) -> None:
    path = tmp_path / "t.wav"
    words = ["--wav", str(path), "--seconds", "2.05", "--level", str(level), "--rate", "8000", "--signal", signal_name]
    assert subprocess.run([*LINETAP, "tone", *words, "--channels", "2", "--channel", "2"], check=False).returncode == 0
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 8000, 16400)
        pcm = np.frombuffer(file.readframes(16400), "<i2").reshape(-1, 2)
    assert not pcm[:, 0].any()
    assert find_tone(pcm[:, 1], 8000).level_dbfs == pytest.approx(level, abs=0.3)
    if signal_name == "sine":
        assert find_tone(pcm[:, 1], 8000).frequency_hz == pytest.approx(1020, abs=0.1)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--device", "a", "--wav", "b"],
        ["--wav", "x.wav"],
        ["--wav", "x.wav", "--seconds", "22370"],
        ["--device", "a", "--level", "1"],
        ["--device", "a", "--level", "4", "--full-scale-dbm0", "3.14"],
        ["--device", "a", "--channel", "3"],
        ["--device", "a", "--rate", "8000", "--frequency", "4000"],
        ["--device", "a", "--signal", "sweep", "--to", "24000"],
        ["--device", "a", "--signal", "square"],
    ],
)
def test_wrong_usage_is_2(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with started("tone", *words) as process:
        process.communicate(timeout=30)
    assert process.returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_a_meter_of_nothing_is_wrong_usage() -> None:
    with started("meter", "--device", "") as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "linetap cards tells which there are" in errors


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with started("tone", "--wav", str(tmp_path / "no" / "t.wav"), "--seconds", "1") as process:
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (1, f"{tmp_path}/no/t.wav: No such file or directory\n")
