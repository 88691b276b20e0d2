"""Digest as registrars vary it (RFC 2617, 7616), with SIPp as the registrar; the answers are reckoned again here."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from drivers.contract import Registered
from hil.peers.sipp import Sipp
from tests.wires.sip.conftest import Trunk, running
from tests.wires.sip.sipp_calls import SCENARIOS

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]


def options(folder: Path, port: int) -> dict[str, Any]:
    (folder / "password.txt").write_text("secret\n")
    account = {"user": "box", "domain": f"127.0.0.1:{port}", "password_file": str(folder / "password.txt")}
    return {"calls": 1, "accounts": [account]}


async def state(trunk: Trunk, *, registered: bool) -> Registered:
    (told,) = await trunk.wait(Registered)
    assert told.registered is registered, told
    return told


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def check(authorization: str, nonce: str) -> None:
    told = {name: quoted or word for name, quoted, word in re.findall(r'(\w+)=(?:"([^"]*)"|([^,\s]+))', authorization)}
    assert (told["nonce"], told["qop"], told["username"], told["realm"]) == (nonce, "auth", "box", "pbx")
    middle = ":".join(told[name] for name in ("nonce", "nc", "cnonce", "qop"))
    assert told["response"] == md5(f"{md5('box:pbx:secret')}:{middle}:{md5('REGISTER:' + told['uri'])}")


async def test_a_nonce_that_is_used_up_is_replaced(tmp_path: Path) -> None:
    async with (
        Sipp(SCENARIOS / "registrar_stale.xml", tmp_path) as peer,
        running(tmp_path / "run", **options(tmp_path, peer.port)) as trunk,
    ):
        assert (await state(trunk, registered=True)).code == 200
        await peer.over()
        tries = [message for way, message in peer.messages() if way == "received"][:3]
    assert not tries[0].one("Authorization")
    check(tries[1].one("Authorization"), "first")
    check(tries[2].one("Authorization"), "second")


async def test_protection_of_bodies_alone_is_told(tmp_path: Path) -> None:
    async with (
        Sipp(SCENARIOS / "registrar_auth_int.xml", tmp_path) as peer,
        running(tmp_path / "run", **options(tmp_path, peer.port)) as trunk,
    ):
        told = await state(trunk, registered=False)
        assert told.code == 401
        assert "qop" in told.reason
