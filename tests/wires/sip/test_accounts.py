"""Accounts at a real registrar (Kamailio with digest), without and with a front in between."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.contract import CallAnswered, CallArrived, CallLeft, Registered, TapOptionsError
from drivers.taps.sip._account import read_password
from drivers.taps.sip._options import Options
from hil.peers.pbx import Pbx
from hil.peers.sip_phone import SipPhone
from tests.wires.front import conftest as front
from tests.wires.sip import conftest as plain
from tests.wires.sip.conftest import Caller, Trunk

pytestmark = [
    pytest.mark.skipif(shutil.which("kamailio", path="/usr/sbin:/usr/bin") is None, reason="kamailio is not installed"),
]


@pytest.fixture
def pbx(tmp_path: Path) -> Iterator[Pbx]:
    with Pbx(tmp_path / "pbx") as started:
        yield started


def account(pbx: Pbx, folder: Path, password: str = "secret", **more: Any) -> dict[str, Any]:
    file = folder / f"{password}.txt"
    file.write_text(f"{password}\nwhat follows is a note\n")
    return {"user": "box", "domain": pbx.domain, "password_file": str(file), **more}


async def state(trunk: Trunk, *, registered: bool, timeout_s: float = 10) -> Registered:
    end_s = time.monotonic() + timeout_s
    while True:
        told = trunk.all(Registered)
        if told and told[-1].registered is registered:
            return told[-1]
        assert time.monotonic() < end_s, trunk.facts
        await asyncio.sleep(0.02)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("running", [plain.running, front.running], ids=["workers", "front"])
async def test_an_account_calls_and_is_called(running: Any, pbx: Pbx, tmp_path: Path, caller: Caller) -> None:
    with SipPhone(user="5003", registrar=pbx.domain) as phone:
        async with running(tmp_path / "run", calls=8, accounts=[account(pbx, tmp_path)]) as trunk:
            told = await state(trunk, registered=True)
            assert (told.account, told.code) == (f"box@{pbx.domain}", 200)
            assert trunk.tap.status.accounts == (told,)
            await trunk.tap.dial("5", "5003", "")  # of the second worker, which did not register
            await trunk.wait(CallAnswered)
            await asyncio.sleep(0.3)
            await asyncio.to_thread(phone.hang_up)
            (left,) = await trunk.wait(CallLeft)
            assert left.reason == "the far end hung up"
            await trunk.tap.dial("1", "5003", "")
            await trunk.wait(CallAnswered, 2)
            await trunk.tap.hang_up("1", "enough")
            await trunk.wait(CallLeft, 2)
            await trunk.tap.dial("1", "5999", "")
            *_, last = await trunk.wait(CallLeft, 3)
            assert last.reason.startswith("not found (404")
            dialog = await caller.call(pbx.port, to="box", headers={"X-Device": "7001"})
            arrived = (await trunk.wait(CallArrived))[-1]
            assert (arrived.device, arrived.ani) == ("7001", "4711")
            assert await caller.bye(dialog) == 200
    assert len(phone.facts("ended")) == 2


@pytest.mark.asyncio(loop_scope="module")
async def test_a_wrong_password_is_told_and_tried_again(pbx: Pbx, tmp_path: Path) -> None:
    async with plain.running(tmp_path / "run", calls=1, accounts=[account(pbx, tmp_path, "wrong")]) as trunk:
        told = await state(trunk, registered=False)
        assert told.code in {401, 403}
        await trunk.tap.dial("0", "5003", "")
        (left,) = await trunk.wait(CallLeft)
        assert left.reason.startswith("not authorized (40")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_registrar_that_goes_and_comes_back(pbx: Pbx, tmp_path: Path, caller: Caller) -> None:
    accounts = [account(pbx, tmp_path, expires_s=30)]
    pbx.stop()
    async with plain.running(tmp_path / "run", calls=1, accounts=accounts) as trunk:
        told = await state(trunk, registered=False, timeout_s=40)
        assert told.code in {408, 502, 503}
        pbx.start()
        await state(trunk, registered=True, timeout_s=10)
        dialog = await caller.call(pbx.port, to="box")
        assert await caller.bye(dialog) == 200
    with pytest.raises(Exception, match="404"):  # closed: the registration was taken back
        await caller.call(pbx.port, to="box")


def test_a_password_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(TapOptionsError, match="cannot be read"):
        read_password(tmp_path / "none")
    (tmp_path / "empty").write_text("\nsecret\n")
    with pytest.raises(TapOptionsError, match="none in its first line"):
        read_password(tmp_path / "empty")


@pytest.mark.parametrize(
    "wrong",
    [
        {"dial_uri": "sip:5003@pbx"},
        {"dial_uri": "sip:{number}@pbx\r\nX: 1"},
        {"dial_uri": "sip:{number}{number}@pbx"},
        {"dial_uri": "http://{number}"},
        {"dial_uri": "sips:{number}@pbx", "tls_port": 5061},
        {"dial_uri": "sip:{number}@192.0.2.1;transport=tls"},
        {"dial_uri": "sip:{number}@192.0.2.1;transport=TLS", "front": "none"},
        {"outbound_proxy": "192.0.2.1;transport=tls"},
        {"accounts": [{"user": "a", "domain": "b", "password_file": "x", "registrar": "192.0.2.1;transport=tls"}]},
        {"outbound_proxy": "sip:pbx;lr"},
        {"dial_account": "nobody"},
        {"dial_from": "me"},
        {"accounts": [{"user": "a b", "domain": "pbx", "password_file": "x"}]},
        {"accounts": [{"user": "a", "domain": "pbx>", "password_file": "x"}]},
        {"accounts": [{"user": "a", "domain": "pbx", "password_file": "x"}] * 2},
        {"accounts": [{"user": str(n), "domain": "pbx", "password_file": "x"} for n in range(4)]},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Options(name="trunk", kind="sip", **wrong)
