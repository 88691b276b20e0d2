"""The rig suite on the kernel's own cards: the lines of one pass, and a bad one fails by the right measurement.

All 32 lines take minutes here: ``python -m hil.rig.proof`` measures them.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hil
from appliance.audio import signals

pytestmark = [pytest.mark.rig("sound-loop"), pytest.mark.timeout(900)]

VIRTUAL = Path(hil.__file__).parent / "rigs" / "virtual.toml"
# Between the suite's player and card L0: a mixer, so that another program can add noise, and a route that gives line 2
# half, and swaps lines 3 and 4. The other lines stay as they are.
CONF = """\
pcm.mixed {
    type dmix
    ipc_key 4201
    slave { pcm "hw:CARD=L0,DEV=0,SUBDEV=0" format S16_LE rate 48000 channels 8 buffer_size 24000 period_size 4800 }
    bindings { 0 0 1 1 2 2 3 3 4 4 5 5 6 6 7 7 }
}
pcm.spoilt {
    type route
    slave { pcm "mixed" channels 8 }
    ttable.0.0 1
    ttable.1.1 0.5
    ttable.2.3 1
    ttable.3.2 1
    ttable.4.4 1
    ttable.5.5 1
    ttable.6.6 1
    ttable.7.7 1
}
"""


def run_suite(rig: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "appliance.cli", "hil", "run", "--rig", str(rig), *words]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=800)


def one_card(text: str) -> str:
    """Give the rig with the lines of card L0 alone."""
    return re.sub(r'\[\[cables\]\]\nline = "L[123]"\n.*\n.*\n', "", text)


def test_all_lines_of_a_card_pass_in_every_measurement(tmp_path: Path) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text(one_card(VIRTUAL.read_text().replace("continuity_s = 60", "continuity_s = 12")))
    done = run_suite(rig, "--report", str(tmp_path / "out"))
    assert done.returncode == 0, done.stdout + done.stderr
    facts = json.loads((tmp_path / "out" / "report.json").read_text())
    assert facts["verdict"] == "PASSED: 136 of 136 measurements within their limits; calibrated"
    assert set(facts["skipped"]) == {"serial_errors"}


@contextlib.contextmanager
def hiss(folder: Path) -> Iterator[None]:
    """Add noise to line 1 alone, through the mixer."""
    import numpy as np
    import soundfile

    path = folder / "hiss.wav"
    pcm = np.zeros((4 * 48000, 8), np.int16)
    pcm[:, 0] = signals.to_pcm(next(signals.noise(len(pcm), -52)))
    soundfile.write(path, pcm, 48000)
    with subprocess.Popen(
        ["sh", "-c", f"while aplay -q -D mixed {path}; do :; done"], start_new_session=True
    ) as player:
        try:
            yield
        finally:
            subprocess.run(["kill", "--", f"-{player.pid}"], check=False)


def test_bad_lines_fail_by_the_right_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "asound.conf").write_text(f"</usr/share/alsa/alsa.conf>\n{CONF}")
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(tmp_path / "asound.conf"))
    rig = tmp_path / "rig.toml"
    text = VIRTUAL.read_text().replace('device = "hw:CARD=L0,DEV=0,SUBDEV=0"', 'device = "spoilt"')
    rig.write_text(one_card(text))
    with hiss(tmp_path):
        done = run_suite(rig, "--report", str(tmp_path / "out"), "--only", "level,channel,noise,polarity")
    facts = json.loads((tmp_path / "out" / "report.json").read_text())
    failed = {(one["name"], one["line"]) for one in facts["results"] if not one["passed"]}
    assert failed == {("noise", "L0-1"), ("level", "L0-2"), ("channel", "L0-3"), ("channel", "L0-4")}, done.stdout
    assert done.returncode == 1
