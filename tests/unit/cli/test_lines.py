"""The table of lines is made of the box's page of figures."""

from __future__ import annotations

from pathlib import Path

from appliance.box_figures import of_meters
from appliance.cli.lines import lines_here, read_figures
from appliance.metrics import page
from drivers.contract import LineMeter, TapMeter

METERS = {
    "sip": [],
    "a": [
        TapMeter(
            present=True,
            overruns=3,
            reopened=1,
            drift_ppm=-12.5,
            lines=(
                LineMeter(line="1", level_dbfs=(-20.5, -120), peak_dbfs=(-9, -120), voice=True, session="s"),
                LineMeter(line="2", level_dbfs=(-60,), peak_dbfs=(-50,)),
            ),
        )
    ],
    "b": [TapMeter(present=False, lines=(LineMeter(line="1"),))],
}


def test_every_line_has_its_levels_and_its_card() -> None:
    rows = read_figures(page([lambda: of_meters(METERS)]))
    assert [(row["TAP"], row["LINE"]) for row in rows] == [("a", "1"), ("a", "2"), ("b", "1")]
    pair, single, away = rows
    assert (pair["LEVEL"], pair["PEAK"], pair["VOICE"]) == ("-20.5 -120", "-9 -120", "yes")
    assert (pair["CARD"], pair["OVERRUNS"], pair["DRIFT"]) == ("there", "3", "-12.5")
    assert (single["LEVEL"], single["VOICE"]) == ("-60", "no")
    assert (away["LEVEL"], away["CARD"], away["DRIFT"]) == ("", "away", "")


def test_without_a_box_here_there_is_no_table(tmp_path: Path) -> None:
    assert lines_here(tmp_path / "none.toml") == []
    config = tmp_path / "linetap.toml"
    config.write_text(f'[box]\nrun_dir = "{tmp_path}"\n')
    assert lines_here(config) == []
