"""What ``python -m hil.rig`` ends with: a machine that cannot have the rig is not a rig that failed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import hil.rig.__main__ as command
from hil.rig.errors import BuildError, FetchError, HostUnfitError
from hil.rig.image.steps import fetch, run


@pytest.fixture
def end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setenv("LINETAP_RIG_CACHE", str(tmp_path))

    def call(error: Exception, *words: str) -> int:
        def fail(*_: object) -> None:
            raise error

        monkeypatch.setattr(command, "Rig", fail)
        monkeypatch.setattr(command, "find_host", fail)
        monkeypatch.setattr(sys, "argv", ["rig", *words])
        return command.main()

    return call


def test_a_rig_that_breaks_is_3_whatever_was_asked(end: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["build"], ["test"], ["test", "--if-able"]):
        assert end(BuildError("dahdi ended with 2"), *words) == 3
        assert "rig: dahdi ended with 2" in capsys.readouterr().err


@pytest.mark.parametrize("error", [HostUnfitError("qemu is missing"), FetchError("no archive answers")])
def test_a_machine_that_cannot_have_it_is_4_or_told_and_0(
    error: Exception, end: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb in ("able", "build", "test"):
        assert end(error, verb) == 4
    assert str(error) in capsys.readouterr().err
    assert end(error, "test", "--if-able") == 0
    assert capsys.readouterr().out == f"rig: NOT RUN: this machine cannot have the rig: {error}\n"


def test_what_fails_to_fetch_is_told_from_what_fails_to_build(tmp_path: Path) -> None:
    words = ["sh", "-c", "echo no route; exit 100"]
    with pytest.raises(FetchError, match=r"could not be fetched: get ended with 100:\nno route"):
        fetch(tmp_path, "get", words)
    with pytest.raises(BuildError, match="make ended with 100"):
        run(tmp_path, "make", words)
