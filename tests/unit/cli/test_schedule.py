"""``linetap schedule``: schedules as a technician sees them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.cli import main
from appliance.store.audit import AuditEntry
from appliance.store.schedules import open_schedules

Linetap = Callable[..., tuple[object, str, str]]


@pytest.fixture
def linetap(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Linetap:
    file = tmp_path / "linetap.toml"
    file.write_text(f'[box]\ndata_dir = "{tmp_path}/data"\n[[schedules]]\nname = "base"\n')
    (tmp_path / "data").mkdir()

    def call(*arguments: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["schedule", *arguments, "--config", str(file)])
        return (left.value.code, *capfd.readouterr())

    return call


def listed(linetap: Linetap) -> list[dict[str, Any]]:
    code, out, _ = linetap("list", "--json")
    assert code == 0
    found: list[dict[str, Any]] = json.loads(out)
    return found


def audited(folder: Path) -> list[AuditEntry]:
    async def ask() -> list[AuditEntry]:
        async with open_schedules(folder) as (_, audit):
            return await audit.newest()

    return asyncio.run(ask())


def test_add_list_edit_remove(linetap: Linetap, tmp_path: Path) -> None:
    pairs = ("kind=set_number", "count=5", "match.group=Sales*", "weekdays=[1,2]", "valid_until=2027-01-01 00:00")
    assert linetap("add", "vip", *pairs)[:2] == (0, "schedule vip added\n")
    base, vip = listed(linetap)
    assert (base["name"], base["place"], vip["place"]) == ("base", "file", "stored")
    assert (vip["kind"], vip["count"], vip["match"]) == ("set_number", 5, {"group": "Sales*"})
    assert (vip["weekdays"], vip["valid_until"]) == ([1, 2], "2027-01-01 00:00")

    assert linetap("edit", "VIP", "count=", "match.group=", "name=gold")[0] == 0
    _, gold = listed(linetap)
    assert (gold["name"], gold["count"], gold["match"], gold["weekdays"]) == ("gold", 1, {}, [1, 2])
    code, out, _ = linetap("list")
    assert code == 0
    assert [line.split()[:3] for line in out.splitlines()] == [
        ["name", "place", "kind"],
        ["base", "file", "percentage"],
        ["gold", "stored", "set_number"],
    ]

    assert linetap("remove", "gold")[0] == 0
    assert len(listed(linetap)) == 1
    entries = audited(tmp_path / "data")
    assert [entry.what for entry in entries] == ["schedule remove", "schedule edit", "schedule add"]
    assert {entry.port for entry in entries} == {"cli"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("add", "base"), "there is a schedule base"),
        (("edit", "base", "percent=1"), "stands in the settings file"),
        (("remove", "none"), "there is no schedule none"),
        (("add", "x", "percent=101"), "percent"),
        (("add", "x", "percnt=1"), "did you mean percent?"),
        (("add", "x", "match.grup=1"), "did you mean group?"),
        (("add", "x", "percent"), "is not KEY=VALUE"),
        (("add", "x", "valid_from=2026-02-30 00:00"), "YYYY-MM-DD HH:MM"),
    ],
)
def test_what_cannot_be_is_told_and_changes_nothing(linetap: Linetap, arguments: tuple[str, ...], told: str) -> None:
    code, _, err = linetap(*arguments)
    assert code
    assert told in " ".join(err.replace("│", " ").split())
    assert len(listed(linetap)) == 1
