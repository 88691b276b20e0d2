"""``linetap token``: made, listed, removed, and each change in the audit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.cli import main
from appliance.ports.tokens import TokenFile
from appliance.store.audit import open_audit


@pytest.fixture
def linetap(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., tuple[object, str, str]]:
    (tmp_path / "data").mkdir()
    file = tmp_path / "linetap.toml"
    file.write_text(f'[box]\ndata_dir = "{tmp_path}/data"\n')

    def call(*arguments: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["token", *arguments, "--config", str(file)])
        return (left.value.code, *capfd.readouterr())

    return call


def test_its_life(linetap: Any, tmp_path: Path) -> None:
    code, text, _ = linetap("add", "crm", "--days", "30")
    assert code == 0
    assert TokenFile(tmp_path / "data" / "tokens.json").judge(text.strip()) == "crm"
    assert linetap("add", "crm")[0] == 1
    code, out, _ = linetap("list")
    assert code == 0
    assert out.splitlines()[1].startswith("crm ")
    (one,) = json.loads(linetap("list", "--json")[1])
    assert set(one) == {"name", "created_at", "expires_at"}
    assert linetap("remove", "crm")[0] == 0
    assert linetap("remove", "crm")[0] == 1
    assert linetap("list")[1].splitlines() == ["name  created_at  expires_at"]

    async def noted() -> list[tuple[str, str]]:
        async with open_audit(tmp_path / "data") as audit:
            return [(entry.what, entry.port) for entry in await audit.newest()]

    assert asyncio.run(noted()) == [("token remove", "cli"), ("token add", "cli")]


def test_a_bad_name(linetap: Any, tmp_path: Path) -> None:
    code, _, errors = linetap("add", "a b")
    assert code == 1
    assert "is no name for a token" in errors
