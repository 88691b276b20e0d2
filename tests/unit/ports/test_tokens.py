from __future__ import annotations

import datetime as dt
import logging
import multiprocessing
from pathlib import Path

import pytest

from appliance import clock
from appliance.errors import LinetapError
from appliance.ports.tokens import TokenFile, TokenInvalidError


def add_many(path: Path, first: int) -> None:
    for n in range(first, first + 10):
        TokenFile(path).add(f"t{n}")


def test_a_token_is_shown_once_and_kept_as_a_hash(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    text = file.add("crm")
    assert len(text) > 45
    assert text not in file.path.read_text()
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.judge(text) == "crm"
    assert [one.name for one in file.all()] == ["crm"]


@pytest.mark.parametrize("text", ["", "x", "linetap_", "é" * 40, "\ud800", "x" * 100_000])
def test_other_texts_open_nothing(tmp_path: Path, text: str) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    file.add("crm")
    with pytest.raises(TokenInvalidError):
        file.judge(text)
    with pytest.raises(TokenInvalidError):
        file.judge(file.all()[0].sha256)


def test_another_process_changes_the_file(tmp_path: Path) -> None:
    box, technician = TokenFile(tmp_path / "tokens.json"), TokenFile(tmp_path / "tokens.json")
    with pytest.raises(TokenInvalidError):
        box.judge("x")
    first, second = technician.add("crm"), technician.add("dialer")
    assert (box.judge(first), box.judge(second)) == ("crm", "dialer")
    assert technician.remove("crm")
    assert not technician.remove("crm")
    with pytest.raises(TokenInvalidError):
        box.judge(first)
    assert box.judge(second) == "dialer"


def test_an_expired_one_opens_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    text = file.add("crm", clock.now() + dt.timedelta(days=1))
    assert file.judge(text) == "crm"
    later = clock.now() + dt.timedelta(days=1, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    with pytest.raises(TokenInvalidError, match="crm expired at"):
        file.judge(text)


def test_bad_names(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    file.add("crm")
    for name in ("crm", "", "a b", "x" * 65, "-x", "a\nb"):
        with pytest.raises(LinetapError):
            file.add(name)
    assert len(file.all()) == 1


def test_a_broken_file_opens_nothing_and_is_not_overwritten(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    text = file.add("crm")
    file.path.write_text("[{")
    with caplog.at_level(logging.ERROR), pytest.raises(TokenInvalidError):
        file.judge(text)
    assert "no token opens anything" in caplog.text
    with pytest.raises(LinetapError):
        file.add("second")
    assert file.path.read_text() == "[{"


def test_two_technicians_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=add_many, args=(tmp_path / "tokens.json", first)) for first in (0, 10)]
    for one in both:
        one.start()
    for one in both:
        one.join(60)
    assert len(TokenFile(tmp_path / "tokens.json").all()) == 20
