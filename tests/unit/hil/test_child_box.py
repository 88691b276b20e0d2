from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from hil.child_box import write_toml


def test_settings_are_read_as_they_were_written() -> None:
    tables = {"box": {"data_dir": Path("/a b"), "core_id": 3}, "api": {"compact": True, "allow": ["127.0.0.0/8"]}}
    rows: list[dict[str, Any]] = [
        {"name": 'quo"te', "assign": {"0": "device:5003"}},
        {"name": "two", "devices": ("50*", "6?")},
    ]
    read = tomllib.loads(write_toml(tables, {"taps": rows}))
    assert read["box"] == {"data_dir": "/a b", "core_id": 3}
    assert read["api"] == {"compact": True, "allow": ["127.0.0.0/8"]}
    assert read["taps"] == [rows[0], {"name": "two", "devices": ["50*", "6?"]}]
