"""``linetap mail``: the queue as a technician sees it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.cli import main
from appliance.store.mail import MailState
from appliance.store.store import open_mails
from tests.unit.store.test_mail import NOW, mail


@pytest.fixture
def linetap(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., tuple[object, str, str]]:
    file = tmp_path / "linetap.toml"
    file.write_text(f'[box]\ndata_dir = "{tmp_path}/data"\n')

    def call(*arguments: object) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["mail", *(str(argument) for argument in arguments), "--config", str(file)])
        return (left.value.code, *capfd.readouterr())

    return call


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    """Three mails: 1 sent, 2 failed, 3 queued."""
    (tmp_path / "data").mkdir()

    async def fill() -> None:
        async with open_mails(tmp_path / "data") as mails:
            await mails.add([mail(n) for n in (101, 102, 103)], 9)
            for state, reply in ((MailState.SENT, "250 ok"), (MailState.FAILED, "550 nobody")):
                taken = await mails.take(NOW)
                assert taken is not None
                await mails.finish(taken.mail_id, state, NOW, reply)

    asyncio.run(fill())
    return tmp_path / "data"


def test_list(linetap: Any, queue: Path) -> None:
    code, out, _ = linetap("list")
    assert code == 0
    assert [line.split()[:3] for line in out.splitlines()] == [
        ["mail_id", "state", "record_id"],
        ["3", "queued", "103"],
        ["2", "failed", "102"],
        ["1", "sent", "101"],
    ]
    assert "550 nobody" in out
    facts = json.loads(linetap("list", "--json", "--state", "failed")[1])
    assert [(one["mail_id"], one["reply"], one["address"]) for one in facts] == [(2, "550 nobody", "ann@example.com")]
    assert linetap("list", "--state", "lost")[0] == 2


def test_show(linetap: Any, queue: Path) -> None:
    assert json.loads(linetap("show", 2, "--json")[1])["state"] == "failed"
    lines = dict(line.split(maxsplit=1) for line in linetap("show", 2)[1].splitlines())
    assert (lines["reply"], lines["attempts"]) == ("550 nobody", "1")
    assert linetap("show", 9)[0::2] == (1, "there is no mail 9\n")


def test_retry_and_drop_tell_what_they_left(linetap: Any, queue: Path) -> None:
    assert linetap("retry", 1, 2, 3) == (1, "mail 1: left as it is\nmail 2: queued\nmail 3: queued\n", "")
    assert json.loads(linetap("show", 2, "--json")[1])["state"] == "queued"
    code, out, _ = linetap("drop", 2, 9, "--json")
    assert (code, json.loads(out)) == (1, {"dropped": [2], "left": [9]})
    assert linetap("drop", 1, 3)[0] == 0
    assert linetap("list", "--json")[1] == "[]\n"


def test_a_box_that_never_ran_is_told_and_nothing_is_made(linetap: Any, tmp_path: Path) -> None:
    code, _, err = linetap("list")
    assert (code, "no box has run yet" in err) == (1, True)
    assert not (tmp_path / "data").exists()
