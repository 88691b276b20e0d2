"""``linetap hil run`` on four lines that are played and recorded for real, through ALSA, PortAudio and PulseAudio."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.wires.rigsuite.bench import LINES, bench, run_suite, write_rig
from tests.wires.soundcard.pulse import Pulse

pytestmark = pytest.mark.wires


STRAIGHT = '[[cables]]\nline = "desk"\noutput = "out:1-4"\ninput = "in:1-4"\n'
# What the file says and the bench is not: line 2 should be 6.02 dB louder, and the plugs of 3 and 4 are swapped.
WRONG = "".join(
    f'[[cables]]\nline = "desk-{n}"\noutput = "out:{n}"\ninput = "in:{into}"\nloss_db = {loss}\n'
    for n, into, loss in ((1, 1, 0), (2, 2, -6.02), (3, 4, 0), (4, 3, 0))
)


@pytest.fixture(scope="module")
def server() -> Iterator[Pulse]:
    with bench() as made:
        yield made


def results(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    facts = json.loads((folder / "report.json").read_text())
    return {(result["name"], result["line"]): result for result in facts["results"]}


def test_four_good_lines_pass_in_every_measurement(server: Pulse, tmp_path: Path) -> None:
    done = run_suite("--rig", write_rig(tmp_path), "--report", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "PASSED: 68 of 68 measurements within their limits; calibrated" in done.stdout
    found = results(tmp_path / "out")
    for line in (f"desk-{n}" for n in range(1, LINES + 1)):
        assert found["level", line]["value"] == pytest.approx(0, abs=0.1)
        assert found["thd_n", line]["value"] < 0.1
        assert found["crosstalk", line]["value"] < -90
        assert found["noise", line]["value"] < -90
    assert (tmp_path / "out" / "report.html").read_text().count("<svg") == 5
    assert (tmp_path / "out" / "junit.xml").exists()


def test_bad_lines_fail_by_the_right_measurement(server: Pulse, tmp_path: Path) -> None:
    hiss = np.zeros((60 * 48000, LINES), np.int16)
    hiss[:, 0] = np.random.default_rng(1).normal(0, 60, len(hiss))
    noise = server.play("card", hiss, 48000)
    try:
        words = ["--only", "level,channel,noise,weighted_noise,polarity,crosstalk", "--report", tmp_path / "out"]
        rig = write_rig(tmp_path)
        rig.write_text(rig.read_text().replace(STRAIGHT, WRONG))
        done = run_suite("--rig", rig, *words)
        assert noise.poll() is None, "the noise ended before the measurement"
    finally:
        noise.kill()
        noise.wait()
    assert done.returncode == 1, done.stdout
    assert "FAILED: " in done.stdout
    failed = {key for key, result in results(tmp_path / "out").items() if not result["passed"]}
    assert failed == {
        ("noise", "desk-1"),
        ("weighted_noise", "desk-1"),
        ("level", "desk-2"),
        ("channel", "desk-3"),
        ("channel", "desk-4"),
    }, done.stdout
    assert results(tmp_path / "out")["level", "desk-2"]["value"] == pytest.approx(-6.02, abs=0.1)


def test_the_portable_backend_records_the_same(server: Pulse, tmp_path: Path) -> None:
    rig = write_rig(tmp_path, backend="portaudio", calibrated=False)
    done = run_suite("--rig", rig, "--only", "crosstalk", "--report", tmp_path / "out")
    assert done.returncode == 0, done.stdout
    assert "PASSED: 4 of 4 measurements within their limits; NOT CALIBRATED" in done.stdout


@pytest.mark.parametrize(("output", "card"), [("nowhere", "card"), ("speaker", "nowhere")])
def test_a_device_that_is_not_there_is_told_and_nothing_passes(
    server: Pulse, tmp_path: Path, output: str, card: str
) -> None:
    rig = write_rig(tmp_path, output)
    rig.write_text(rig.read_text().replace('device = "card"', f'device = "{card}"'))
    done = run_suite("--rig", rig, "--report", tmp_path / "out", "--only", "level,drop_outs")
    assert (done.returncode, done.stderr) == (1, "")
    assert "Traceback" not in done.stdout
    assert sum("nowhere" in line for line in done.stdout.splitlines()) == 2 * LINES, done.stdout
    assert {result["value"] for result in results(tmp_path / "out").values()} == {None}
