"""``linetap audit list``: who did what, as a technician sees it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.cli import main
from appliance.store.audit import open_audit


@pytest.fixture
def linetap(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., tuple[object, str, str]]:
    file = tmp_path / "linetap.toml"
    file.write_text(f'[box]\ndata_dir = "{tmp_path}/data"\n')

    def call(*arguments: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["audit", "list", *arguments, "--config", str(file)])
        return (left.value.code, *capfd.readouterr())

    return call


@pytest.fixture
def entries(tmp_path: Path) -> None:
    """A change from a client, then an export by a token."""
    (tmp_path / "data").mkdir()

    async def fill() -> None:
        async with open_audit(tmp_path / "data") as audit:
            audit.note("ADDGROUP", port="commands", peer="192.0.2.7:4711", after={"name": "Sales"})
            audit.note("EXPORT", port="web", peer="192.0.2.8:1", who="token crm", after={"record_id": 4})

    asyncio.run(fill())


def test_all_newest_first(linetap: Any, entries: None) -> None:
    code, out, _ = linetap()
    assert code == 0
    heads, export, group = out.splitlines()
    assert heads.split() == ["noted_at", "port", "peer", "who", "what", "change"]
    assert export.split()[2:] == ["web", "192.0.2.8:1", "token", "crm", "EXPORT", '{"record_id":', "4}"]
    assert "ADDGROUP" in group


def test_some(linetap: Any, entries: None) -> None:
    assert "EXPORT" not in linetap("--peer", "192.0.2.7")[1]
    assert len(linetap("--since", "2099-01-01")[1].splitlines()) == 1
    (one,) = json.loads(linetap("--json", "--who", "token *")[1])
    assert (one["what"], one["after"]) == ("EXPORT", {"record_id": 4})


def test_bad_words(linetap: Any, entries: None) -> None:
    code, _, errors = linetap("--since", "yesterday")
    assert code == 2
    assert "2026-03-09" in errors


def test_without_a_box_nothing_is_made(linetap: Any, tmp_path: Path) -> None:
    code, _, errors = linetap()
    assert code == 1
    assert "no box has run yet" in errors
    assert not (tmp_path / "data").exists()
