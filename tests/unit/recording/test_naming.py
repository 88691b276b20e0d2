from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.recording.naming import reserve, safe_name

MOMENT = dt.datetime(2026, 11, 23, 10, 11, 12, tzinfo=dt.timezone(dt.timedelta(hours=1)))


def test_the_name_is_day_device_and_time(tmp_path: Path) -> None:
    assert reserve(tmp_path, "5551", MOMENT, "wav") == tmp_path / "20261123" / "5551" / "5551-10-11-12.wav"
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_given_once(tmp_path: Path) -> None:
    names: list[Path] = []
    threads = [
        threading.Thread(target=lambda: names.extend(reserve(tmp_path, "5", MOMENT, "wav") for _ in range(25)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert {path.name for path in names} == {"5-10-11-12.wav", *(f"5-10-11-12-{n}.wav" for n in range(2, 101))}


@pytest.mark.parametrize("more", ["", ".json", ".part", ".part.json"])
def test_a_name_that_a_file_has_is_not_given(tmp_path: Path, more: str) -> None:
    folder = tmp_path / "20261123" / "5551"
    folder.mkdir(parents=True)
    (folder / f"5551-10-11-12.wav{more}").touch()
    assert reserve(tmp_path, "5551", MOMENT, "wav").name == "5551-10-11-12-2.wav"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("", "unknown"),
        ("..", "unknown"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a/b\\c:d", "a_b_c_d"),
        (" .hidden ", "hidden"),
        ("Müller & Söhne", "Müller & Söhne"),
        ("tab\there\x00\x7f", "tab_here__"),
        ("ü" * 300, "ü" * 48),
    ],
)
def test_names_are_made_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text())
def test_any_text_becomes_one_folder(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert safe not in {".", ".."}
    assert Path(safe).name == safe
    assert len(safe.encode()) <= 96
