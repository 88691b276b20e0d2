"""The rig suite on the kernel's cards with a bad cable between them: each fault is told by its own measurement."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from hil.bad_cable import Fault
from tests.unit.hil.suite.written import Written

pytestmark = [pytest.mark.rig("sound-loop"), pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
RATE_HZ = 8000  # no resampling: the machine is slow at it, and the faults are made for this rate
OUTPUT, CABLE_END = "hw:CARD=L0,DEV=0,SUBDEV=0", "hw:CARD=L0,DEV=1,SUBDEV=0"
CABLE_BEGIN, CARD = "hw:CARD=L1,DEV=0,SUBDEV=0", "hw:CARD=L1,DEV=1,SUBDEV=0"
CHANNELS = 9
FAULTS = {
    2: Fault.ATTENUATED,
    3: Fault.NOISY,
    4: Fault.SWAPPED,
    6: Fault.INVERTED,
    7: Fault.LEAKING,
    8: Fault.DISTORTING,
    9: Fault.DULL,
}
RIGHT = {
    ("level", "line-2"),
    ("noise", "line-3"),
    ("weighted_noise", "line-3"),
    ("noise_dbm0p", "line-3"),
    ("channel", "line-4"),
    ("channel", "line-5"),
    ("polarity", "line-6"),
    ("crosstalk", "line-7"),
    ("thd_n", "line-8"),
    ("response", "line-9"),
}
CALIBRATION = (
    'calibration = { full_scale_dbm0 = 3.14, date = 2026-01-01, instrument = "by definition", valid_days = 3650 }'
)
RIG = f"""\
[station]
name = "bad cable"
operator = "A. Technician"
[run]
continuity_s = 11 # the drift needs ten seconds
quiet_s = 1
[[cards]]
name = "in"
device = "{CARD}"
channels = {CHANNELS}
card_rate_hz = {RATE_HZ}
{CALIBRATION}
[[outputs]]
name = "out"
device = "{OUTPUT}"
channels = {CHANNELS}
rate_hz = {RATE_HZ}
{CALIBRATION}
[[cables]]
line = "line"
output = "out:1-{CHANNELS}"
input = "in:1-{CHANNELS}"
[limits.latency] # the bad cable is a program, which keeps a third of a second
high = 1000
"""


@contextlib.contextmanager
def bad_cable(faults: Mapping[int, Fault]) -> Iterator[None]:
    """Lay the cable; what it lost by itself would not be a fault that was asked for."""
    words = [sys.executable, "-m", "hil.bad_cable", CABLE_END, CABLE_BEGIN, f"--channels={CHANNELS}"]
    words += [f"--fault={channel}={fault}" for channel, fault in faults.items()]
    cable = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert cable.stdout is not None
        assert cable.stdout.readline() == b"carrying\n"
        yield
        assert cable.poll() is None, "the cable ended by itself"
    finally:
        cable.kill()
        cable.communicate()


class Run(Written):
    """One run of the suite, and its report."""

    def __init__(self, folder: Path, command: Sequence[str], *words: str) -> None:
        (folder / "rig.toml").write_text(RIG)
        super().__init__(folder / "out")
        words = ("--rig", str(folder / "rig.toml"), "--report", str(self.folder), *words)
        done = subprocess.run(
            [sys.executable, *command, *words], cwd=ROOT, check=False, capture_output=True, text=True, timeout=600
        )
        self.code, self.out = done.returncode, done.stdout + done.stderr


HIL_RUN = ("-m", "appliance.cli", "hil", "run")
PYTEST = ("-m", "pytest", "-q", "hil/suite")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Every measurement of a cable with faults of every kind."""
    with bad_cable(FAULTS):
        return Run(tmp_path_factory.mktemp("run"), HIL_RUN)


def test_each_fault_fails_by_its_own_measurement_and_all_else_passes(run: Run) -> None:
    assert run.failed == RIGHT, run.out
    assert run.code == 1
    count = len(run.facts["results"])
    assert count == 17 * CHANNELS
    assert run.facts["verdict"] == f"FAILED: {len(RIGHT)} of {count} measurements out of their limits; calibrated"
    assert run.facts["verdict"] in run.out


def test_values_are_those_of_the_faults(run: Run) -> None:
    values = {(result["name"], result["line"]): result["value"] for result in run.facts["results"]}
    assert values["level", "line-1"] == pytest.approx(0, abs=0.05)
    assert values["level", "line-2"] == pytest.approx(-3.1, abs=0.05)
    assert values["noise", "line-3"] == pytest.approx(-60, abs=1)
    assert (values["channel", "line-4"], values["channel", "line-5"]) == (1, -1)
    assert values["polarity", "line-6"] == -1
    assert values["crosstalk", "line-7"] == pytest.approx(-40, abs=0.5)
    assert values["thd_n", "line-8"] == pytest.approx(2, abs=0.3)
    assert values["response", "line-9"] == pytest.approx(-1.9, abs=0.2)


def test_page_json_and_junit_agree(run: Run) -> None:
    page = (run.folder / "report.html").read_text()
    assert run.facts["verdict"] in page
    assert page.count(" ✗</td>") == len(RIGHT)
    assert set(re.findall(r'<tr class="bad"><td class="name">(line-\d+)<', page)) == {line for _, line in RIGHT}
    suite = ET.parse(run.folder / "junit.xml").getroot()[0]
    bad = {
        tuple(one.get("value") for one in case.iter("property") if one.get("name") in {"name", "line"})
        for case in suite.iter("testcase")
        if case.find("failure") is not None
    }
    assert bad == RIGHT
    assert int(str(suite.get("tests"))) == len(run.facts["results"]) + len(run.facts["skipped"])


def test_plain_pytest_gives_the_same(run: Run, tmp_path: Path) -> None:
    some = {"channel", "polarity", "level"}
    with bad_cable(FAULTS):
        plain = Run(tmp_path, PYTEST, "--only", ",".join(some))
    assert plain.failed == {one for one in RIGHT if one[0] in some}, plain.out
    assert plain.code == 1


def test_a_loose_contact_breaks_the_tone_and_an_open_wire_has_nothing_to_measure(tmp_path: Path) -> None:
    with bad_cable({2: Fault.LOOSE, 3: Fault.OPEN}):
        run = Run(tmp_path, HIL_RUN, "--only", "drop_outs,clock")
    assert run.failed == {("drop_outs", "line-2"), ("drop_outs", "line-3"), ("clock", "line-3")}, run.out
    breaks = {result["line"]: result for result in run.facts["results"] if result["name"] == "drop_outs"}
    assert 3 <= breaks["line-2"]["value"] <= 8, breaks["line-2"]  # a begin and an end every three seconds
    assert breaks["line-3"]["value"] is None
    assert breaks["line-3"]["remark"]
