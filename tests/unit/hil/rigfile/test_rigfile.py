from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from appliance.errors import SettingsError
from hil import rigfile
from hil.rigfile.wiring import limits

SAMPLES = Path(rigfile.__file__).parents[1] / "rigs"
TODAY = dt.date(2026, 11, 28)
GOOD = """\
[station]
name = "b"
[[cards]]
name = "in"
device = "hw:CARD=X"
channels = 4
[[outputs]]
name = "out"
device = "hw:CARD=Y"
channels = 4
[[cables]]
line = "desk"
output = "out:1-2"
input = "in:3-4"
"""
CALIBRATION = 'calibration = {{ full_scale_dbm0 = {dbm0}, date = {date}, instrument = "meter", valid_days = 100 }}\n'


def faults(document: str) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        rigfile.parse(document, "rig.toml")
    return raised.value.faults


def calibrated(card: str = "", output: str = "") -> rigfile.Rig:
    return rigfile.parse(
        GOOD.replace('"hw:CARD=X"\n', f'"hw:CARD=X"\n{card}').replace('"hw:CARD=Y"\n', f'"hw:CARD=Y"\n{output}'), "r"
    )


@pytest.mark.parametrize(("name", "lines"), [("virtual", 32), ("bench", 8)])
def test_the_samples_are_good(name: str, lines: int) -> None:
    rig = rigfile.load(SAMPLES / f"{name}.toml")
    assert len({wire.line for wire in rigfile.wires(rig)}) == lines
    assert {"lines", "several-lines", "vox"} <= rigfile.features(rig, TODAY)


def test_a_cable_of_several_channels_is_as_many_lines() -> None:
    found = rigfile.wires(rigfile.parse(GOOD, "r"))
    assert [(w.line, w.output_channel, w.card_channel) for w in found] == [("desk-3", 1, 3), ("desk-4", 2, 4)]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('name = "b"', 'nmae = "b"', "rig.toml:2: station.nmae: unknown key; did you mean name?"),
        ('name = "b"', 'nmae = "b"', "rig.toml:1: station.name: is required"),
        ("channels = 4\n[[out", "channels = 0\n[[out", "rig.toml:6: cards[0].channels: should be greater than"),
        ("in:3-4", "in:3-5", "rig.toml:14: cables[0].input: in has 4 channels"),
        ("in:3-4", "in:3", "rig.toml:14: cables[0].input: should have as many channels as out:1-2"),
        ("in:3-4", "in:4-3", "rig.toml:14: cables[0].input: the last channel comes before the first"),
        ("in:3-4", "inn:3-4", "rig.toml:14: cables[0].input: unknown card; did you mean in?"),
        ("in:3-4", "in", "rig.toml:14: cables[0].input: should match pattern"),
        ("[station]", "[station]\nbadly", "rig.toml:2: is no TOML"),
        ("[station]", "extra = 1\n[station]", "rig.toml:1: extra: unknown key"),
        (
            "[[cards]]",
            "[limits.levle]\nlow = 1\n[[cards]]",
            "rig.toml:3: limits.levle: unknown measurement; did you mean",
        ),
        (
            "[[cards]]",
            "[limits.level]\nlow = 1\nhigh = 0\n[[cards]]",
            "rig.toml:3: limits.level: low is more than high",
        ),
        (
            "[[cards]]",
            "[limits.level]\nlo = 1\n[[cards]]",
            "rig.toml:4: limits.level.lo: unknown key; did you mean low?",
        ),
        ("[[cards]]", "[limits]\nlevel = 3\n[[cards]]", "rig.toml:4: limits.level: "),
        ("[[cards]]", '[[phones]]\nname = "p"\n[[cards]]', "rig.toml:3: phones[0].number: is required"),
        (
            "[[outputs]]",
            '[[cards]]\nname = "in"\ndevice = "d"\n[[outputs]]',
            "cards[1].name: 'in' is the name of cards[0]",
        ),
    ],
)
def test_a_fault_is_told_with_its_line(old: str, new: str, fault: str) -> None:
    assert old in GOOD
    told = faults(GOOD.replace(old, new, 1))
    assert [one for one in told if fault in one], told


def test_faults_of_a_calibration_have_their_own_line() -> None:
    told = faults(GOOD + '[[cards]]\nname = "c"\ndevice = "d"\n[cards.calibration]\ndate = 2026-13-01\ndat = 1\n')
    assert any("rig.toml:19" in one for one in told), told
    told = faults(GOOD + '[[cards]]\nname = "c"\ndevice = "d"\n[cards.calibration]\ndate = 2026-10-01\ndat = 1\n')
    assert "rig.toml:20: cards[1].calibration.dat: unknown key; did you mean date?" in told
    assert "rig.toml:18: cards[1].calibration.instrument: is required" in told


def test_two_cables_do_not_share_an_end() -> None:
    told = faults(GOOD + '[[cables]]\nline = "door"\noutput = "out:2"\ninput = "in:1"\n')
    assert told == ["rig.toml:17: cables[1].output: out:2 is taken by the cable desk"]


def test_two_lines_do_not_share_a_name() -> None:
    told = faults(GOOD + '[[cables]]\nline = "desk-3"\noutput = "out:3"\ninput = "in:1"\n')
    assert told == ["rig.toml:16: cables[1].line: 'desk-3' is a line of cables[0] already"]


def test_all_faults_are_told_at_once() -> None:
    told = faults(GOOD.replace('name = "b"', "").replace("in:3-4", "in:8-9").replace("hw:CARD=Y", ""))
    assert [one.split(": ")[1] for one in told] == ["station.name", "outputs[0].device", "cables[0].input"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        rigfile.load(tmp_path / "no.toml")
    (tmp_path / "latin").write_bytes(b"# \n\xe9")
    with pytest.raises(SettingsError, match=":2: is not UTF-8"):
        rigfile.load(tmp_path / "latin")


# --- calibration ----------------------------------------------------------------------------------------------------


def test_a_rig_without_calibration_is_told_so_by_name() -> None:
    rig = rigfile.parse(GOOD, "r")
    assert rigfile.uncalibrated(rig, TODAY) == ["card in: has no calibration", "output out: has no calibration"]
    assert "calibration" not in rigfile.features(rig, TODAY)


@pytest.mark.parametrize(
    ("date", "fault"),
    [
        ("2026-11-01", None),
        ("2026-08-20", None),  # its hundredth day
        ("2026-08-19", "card in: calibration of 2026-08-19 ended on 2026-11-27"),
        ("2026-11-29", "card in: calibrated on 2026-11-29, which is still to come"),
    ],
)
def test_a_calibration_holds_for_its_days(date: str, fault: str | None) -> None:
    fresh = CALIBRATION.format(dbm0=3, date="2026-11-27")
    rig = calibrated(CALIBRATION.format(dbm0=3, date=date), fresh)
    assert rigfile.uncalibrated(rig, TODAY) == ([fault] if fault else [])
    assert ("calibration" in rigfile.features(rig, TODAY)) == (fault is None)


def test_levels_follow_from_both_calibrations_and_the_cable() -> None:
    rig = calibrated(CALIBRATION.format(dbm0=9, date="2026-11-01"), CALIBRATION.format(dbm0=12, date="2026-11-01"))
    assert rigfile.wires(rig)[0].gain_db == pytest.approx(3)
    lossy = rig.model_copy(update={"cables": (rig.cables[0].model_copy(update={"loss_db": 6.0}),)})
    assert rigfile.wires(lossy)[0].gain_db == pytest.approx(-3)
    assert rigfile.wires(rigfile.parse(GOOD, "r"))[0].gain_db == 0


def test_a_rig_has_limits_of_its_own() -> None:
    rig = rigfile.parse(GOOD + "[limits.level]\nhigh = 2\n", "r")
    assert (limits(rig, "level").low, limits(rig, "level").high) == (None, 2)
    assert (limits(rig, "thd_n").low, limits(rig, "thd_n").high) == (None, 1)
