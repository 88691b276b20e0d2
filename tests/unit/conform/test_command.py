"""``linetap conform`` as a shell would run it, where no box is needed or none is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.cli import main
from appliance.conform import SHIPPED, read_cases


def call(*arguments: object) -> object:
    with pytest.raises(SystemExit) as left:
        main(["conform", *map(str, arguments)])
    return left.value.code


def test_the_list_names_every_case_and_needs_no_box(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("box.invalid", "--list") == 0
    names = [line.split(": ")[0] for line in capsys.readouterr().out.splitlines()]
    assert names == [f"{case.group}/{case.name}" for case in read_cases([SHIPPED])]
    assert call("box.invalid", "--list", "--only", "i_events/*") == 0
    assert len(capsys.readouterr().out.splitlines()) == sum(name.startswith("i_events/") for name in names)


def test_cases_that_cannot_be_read_are_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.toml").write_text("[[case]]\n")
    assert call("box.invalid", "--cases", tmp_path) == 2
    assert "mine.toml" in capsys.readouterr().err


def test_no_box_is_69_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("127.0.0.1", "--port", 1, "--timeout", 1) == 69
    assert "no box answers at 127.0.0.1:1" in capsys.readouterr().err
