"""Verdicts and reports, on a bench by arithmetic: every fault is told by the measurement that it belongs to."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import hil.suite
from appliance.cli import main
from drivers.contract import LossReason
from drivers.taps.soundcard.cards import CardInfo
from hil.measure import KINDS
from hil.suite.memory import Lost
from tests.unit.hil.suite.simulated import Spoil, Truth, Wave, simulate
from tests.unit.hil.suite.written import Written

CALIBRATION = 'calibration = { full_scale_dbm0 = 3.14, date = DATE, instrument = "meter & co", valid_days = 3650 }'
RIG = f"""\
[station]
name = "four <lines>"
serial = "BOX-7"
operator = "A. Technician"
[run]
continuity_s = 3
quiet_s = 1
[[cards]]
name = "in"
device = "hw:CARD=IN"
channels = 4
serial = "CARD-7"
{CALIBRATION}
[[outputs]]
name = "out"
device = "hw:CARD=OUT"
channels = 4
{CALIBRATION}
[[cables]]
line = "desk"
output = "out:1-4"
input = "in:1-4"
"""
LINES = [f"desk-{n}" for n in range(1, 5)]


class Run(Written):
    def __init__(self, code: int, out: str, err: str, folder: Path) -> None:
        super().__init__(folder)
        self.code, self.out, self.err = code, out, err

    @property
    def page(self) -> str:
        return (self.folder / "report.html").read_text()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Any:
    def call(truth: Truth, rig: str = RIG, *words: str, date: str = "2026-01-01") -> Run:
        simulate(monkeypatch, truth)
        (tmp_path / "rig.toml").write_text(rig.replace("DATE", date))
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main(["hil", "run", "--rig", str(tmp_path / "rig.toml"), "--report", str(tmp_path / "out"), *words])
        out, err = capfd.readouterr()
        return Run(int(str(left.value.code)), out, err, tmp_path / "out")

    return call


def test_a_good_bench_passes_and_every_line_has_every_measurement(run: Any) -> None:
    done = run(Truth())
    assert done.failed == set(), done.out
    assert done.code == 0, done.out + done.err
    there = {(result["name"], result["line"]) for result in done.facts["results"]}
    assert there == {(name, line) for name in KINDS if not name.startswith("serial_") for line in LINES}
    assert done.facts["verdict"] == "PASSED: 68 of 68 measurements within their limits; calibrated"
    assert done.facts["verdict"] in done.out
    assert done.facts["skipped"] == {
        "serial_number": "the rig has no usb-serial-numbers",
        "serial_errors": "the rig has no looped-serial-ports",
    }
    values = {(result["name"], result["line"]): result["value"] for result in done.facts["results"]}
    assert values["level", "desk-2"] == pytest.approx(0, abs=0.02)
    assert values["noise", "desk-2"] == pytest.approx(-77, abs=0.5)
    assert values["latency", "desk-2"] == pytest.approx(20, abs=0.2)
    assert values["drift", "desk-2"] == 3


def only(line: str, spoil: Any) -> Spoil:
    return lambda name, waves, rate_hz: spoil(waves[name], rate_hz) if name == line else waves[name]


def clipped(wave: Wave, _: int) -> Wave:
    return wave.clip(-0.25, 0.25)


def noisy(wave: Wave, _: int) -> Wave:
    return wave + np.random.default_rng(5).normal(0, 10 ** (-63 / 20), wave.size)


def dull(wave: Wave, _: int) -> Wave:
    return np.asarray(np.convolve(wave, [0.25, 0.5, 0.25], "same"))


def torn(wave: Wave, rate_hz: int) -> Wave:
    if wave.size > 4 * rate_hz:
        return wave
    return np.concatenate([np.delete(wave, slice(rate_hz, rate_hz + 40)), wave[:40]])


def swapped(line: str, waves: dict[str, Wave], _: int) -> Wave:
    return waves[{"desk-2": "desk-3", "desk-3": "desk-2"}.get(line, line)]


def leaking(line: str, waves: dict[str, Wave], _: int) -> Wave:
    return waves[line] + (0.01 * waves["desk-1"] if line == "desk-4" else 0)


@pytest.mark.parametrize(
    ("spoil", "measurements", "lines"),
    [
        (only("desk-2", lambda wave, _: wave / 2), {"level"}, {"desk-2"}),
        (only("desk-2", noisy), {"noise", "weighted_noise", "noise_dbm0p"}, {"desk-2"}),
        (only("desk-2", lambda wave, _: -wave), {"polarity"}, {"desk-2"}),
        (only("desk-2", torn), {"drop_outs"}, {"desk-2"}),
        (swapped, {"channel"}, {"desk-2", "desk-3"}),
        (leaking, {"crosstalk"}, {"desk-4"}),
    ],
    ids=["attenuated", "noisy", "inverted", "torn", "swapped", "leaking"],
)
def test_a_bad_line_fails_by_the_right_measurement_alone(
    spoil: Spoil, measurements: set[str], lines: set[str], run: Any
) -> None:
    done = run(Truth(spoil))
    assert done.code == 1
    assert {line for _, line in done.failed} == lines, done.out
    assert {name for name, _ in done.failed} == measurements, done.out
    assert done.facts["verdict"].startswith(f"FAILED: {len(done.failed)} of 68 measurements")
    assert f"FAIL  {min(lines)}: " in done.out


@pytest.mark.parametrize(
    ("spoil", "measurement"),
    [
        (only("desk-2", clipped), "thd_n"),
        (only("desk-2", clipped), "gain_tracking"),
        (only("desk-2", dull), "response"),
    ],
    ids=["clipped", "compressed", "dull"],
)
def test_other_faults_fail_by_their_measurement_too(spoil: Spoil, measurement: str, run: Any) -> None:
    done = run(Truth(spoil))
    assert (measurement, "desk-2") in done.failed
    assert {line for _, line in done.failed} == {"desk-2"}


def test_a_dead_line_is_told_as_nothing_heard(run: Any) -> None:
    done = run(Truth(only("desk-2", lambda wave, _: 0 * wave)))
    recorders_own = {"drift", "lost"}  # of the card, whatever it hears
    simulated = {"vox_calls", "vox_onset", "crosstalk"}
    all_others = {name for name in KINDS if not name.startswith("serial_")} - recorders_own - simulated
    assert {name for name, _ in done.failed} == all_others
    assert {line for _, line in done.failed} == {"desk-2"}
    assert "desk-2: Level nothing to measure" in done.out
    assert done.page.count("<td>what was played is not heard</td>") == 1  # one row for one fault
    assert "<td>Drop-outs, Clock difference</td>" in done.page
    assert "12 fail" in done.page


def test_gaps_drift_and_voice_have_their_measurements(run: Any) -> None:
    gap = (Lost(8000, 80, LossReason.OVERFLOW),)
    done = run(Truth(lost={"desk-1": gap}, drift_ppm=150, calls=1, late_s=0.2))
    assert {name for name, _ in done.failed} == {"lost", "drift", "vox_calls", "vox_onset"}
    assert {line for name, line in done.failed if name == "lost"} == {"desk-1"}
    assert "overflow at 1.00 s" in done.page


# --- the rig file decides -------------------------------------------------------------------------------------------


def test_only_some_measurements(run: Any) -> None:
    done = run(Truth(), RIG, "--only", "vox_*,level")
    assert {result["name"] for result in done.facts["results"]} == {"vox_calls", "vox_onset", "level"}
    assert done.code == 0


def test_limits_of_the_rig_decide(run: Any) -> None:
    done = run(Truth(only("desk-2", lambda wave, _: wave / 2)), RIG + "[limits.level]\nlow = -7\nhigh = 1\n")
    assert done.failed == set()
    tight = run(Truth(), RIG + "[limits.latency]\nhigh = 19\n")
    assert {name for name, _ in tight.failed} == {"latency"}


@pytest.mark.parametrize(
    ("date", "reason"), [("2001-01-01", "ended on 2010-12-30"), ("2990-01-01", "which is still to come")]
)
def test_a_rig_out_of_its_calibration_is_never_called_calibrated(date: str, reason: str, run: Any) -> None:
    done = run(Truth(), date=date)
    assert done.facts["calibrated"] is False
    assert done.facts["verdict"] == "PASSED: 64 of 64 measurements within their limits; NOT CALIBRATED"
    assert [one.split(":")[0] for one in done.facts["not_calibrated"]] == ["card in", "output out"]
    assert reason in done.out
    assert "This rig is not calibrated." in done.page
    assert "; calibrated" not in done.page
    assert done.facts["skipped"]["noise_dbm0p"] == "the rig has no calibration"


def test_a_rig_without_calibration_says_so(run: Any) -> None:
    done = run(Truth(), RIG.replace(CALIBRATION, ""))
    assert done.facts["not_calibrated"] == ["card in: has no calibration", "output out: has no calibration"]
    assert "dBm0" not in re.sub(
        r"no level in dBm0|Noise in dBm0p", "", done.page.split("<h2>Measurements")[1].split("Devices")[0]
    )


def test_a_rig_without_lines_measures_nothing_and_does_not_pass(run: Any) -> None:
    done = run(Truth(), '[station]\nname = "bare"\n')
    assert (done.code, done.facts["verdict"], done.facts["calibrated"]) == (1, "NOTHING MEASURED", False)
    assert done.facts["skipped"]["level"] == "the rig has no lines"
    assert done.facts["skipped"]["crosstalk"] == "the rig has no several-lines"
    assert set(done.facts["skipped"]) == set(KINDS)


def test_one_line_has_no_crosstalk(run: Any) -> None:
    done = run(Truth(), RIG.replace("out:1-4", "out:2").replace("in:1-4", "in:3"))
    assert done.code == 0
    assert done.facts["skipped"]["crosstalk"] == "the rig has no several-lines"
    assert {result["line"] for result in done.facts["results"]} == {"desk"}


def test_cables_that_lose_or_invert_are_reckoned_with(run: Any) -> None:
    assert run(Truth(), RIG + "loss_db = 12\ninverted = true\n").failed == set()


def test_a_bad_rig_file_is_78_and_wrong_usage_2(run: Any) -> None:
    bad = run(Truth(), RIG + "los_db = 1\n")
    assert (bad.code, "cables[0].los_db: unknown key; did you mean loss_db?" in bad.err) == (78, True)
    assert run(Truth(), RIG, "--only", "level,loudness").code == 2


# --- the report -----------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "br"}:
            self.open.append(tag)
        self.outside += [value for name, value in attrs if name in {"src", "href"} and value]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Nothing to close."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_by_itself_and_says_who_where_and_with_what(run: Any) -> None:
    done = run(Truth(), RIG, "--operator", "B. Other")
    page = Page(done.page)
    assert (page.open, page.outside) == ([], [])
    assert "url(" not in done.page
    assert "<script" not in done.page
    for said in ("four <lines>", "BOX-7", "CARD-7", "2026-01-01", "meter & co", "B. Other", "linetap ", "Signature"):
        assert said in page.text
    for title in ("Level of each line", "Frequency response", "Spectrum", "Crosstalk", "Drift"):
        assert f"<b>{title}</b>" in done.page
    assert done.page.count("<svg") == 5
    assert done.page.count("<polyline") == 12


def test_junit_has_every_measurement_with_its_value(run: Any) -> None:
    done = run(Truth(only("desk-2", lambda wave, _: wave / 2)))
    suite = ET.parse(done.folder / "junit.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("70", "1", "2")
    (failure,) = (case for case in suite.iter("testcase") if case.find("failure") is not None)
    properties = {one.get("name"): one.get("value") for one in failure.iter("property")}
    assert failure.get("name") == "test_level[desk-2]"
    assert (properties["name"], properties["unit"], properties["passed"]) == ("level", "dB", "False")
    assert float(str(properties["value"])) == pytest.approx(-6.02, abs=0.02)


def test_page_json_and_junit_tell_the_same(run: Any) -> None:
    done = run(Truth(swapped, drift_ppm=150))
    assert done.page.count(" ✗</td>") == len(done.failed) == 6
    cases = ET.parse(done.folder / "junit.xml").getroot().iter("testcase")
    told = [{str(one.get("name")): one.get("value") for one in case.iter("property")} for case in cases]
    assert [facts for facts in told if facts] == [
        {name: str(value) for name, value in result.items()} for result in done.facts["results"]
    ]
    assert done.page.count('<td class="fail">2 fail</td>') == 3  # of channel and drift, and two lines by both
    assert done.page.count('<td class="fail">1 fail</td>') == 2
    assert '<tr><th>desk-2</th><td class="fail">2 fail</td>' in done.page


def test_a_card_that_usb_shows_another_number_of_fails(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def there() -> list[CardInfo]:
        return [CardInfo(0, "IN", "", "1-2", "CARD-8", (0,)), CardInfo(1, "OUT", "", "1-3", "OUT-1", ())]

    monkeypatch.setattr("hil.suite.conftest.cards", there)
    done = run(Truth(), RIG, "--only", "serial_number")
    assert (done.code, done.failed) == (1, {("serial_number", "card in")})
    assert "USB shows CARD-8, the rig file says CARD-7" in done.out
    assert "not comparable: the rig file has none; USB shows OUT-1" in done.page
    right = run(Truth(), RIG.replace("CARD-7", "CARD-8"), "--only", "serial_number")
    assert right.code == 0
    assert "as USB shows it" in right.page


def test_plain_pytest_gives_the_same(run: Any, tmp_path: Path) -> None:
    truth = Truth(swapped)
    command = run(truth)
    (tmp_path / "plain").mkdir()
    words = [*hil.suite.__path__, "--rig", str(tmp_path / "rig.toml"), "--report", str(tmp_path / "plain")]
    assert int(pytest.main(["-q", *words])) == command.code == 1
    plain = json.loads((tmp_path / "plain" / "report.json").read_text())
    assert plain["results"] == command.facts["results"]
    assert plain["verdict"] == command.facts["verdict"]
