"""Joining the call at a phone: found by RFC 4235, joined by RFC 3911, or by a conference's URI, or refused."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from drivers.contract import CallAnswered, CallLeft, LineBusyError, LineIdleError
from drivers.taps.sip._dialogs import PhoneDialog, dialogs_of
from drivers.taps.sip.siprec import Document
from hil.peers.pbx import Notifier, Pbx
from hil.peers.pbx.notifier import document
from hil.peers.sip_phone import SipPhone
from hil.peers.sip_uac import Dialog
from tests.wires.front import conftest as front
from tests.wires.sip import conftest as plain
from tests.wires.sip.conftest import Caller

KAMAILIO = pytest.mark.skipif(
    shutil.which("kamailio", path="/usr/sbin:/usr/bin") is None, reason="kamailio is not installed"
)
MODULE_LOOP = pytest.mark.asyncio(loop_scope="module")


class Exchange:
    """A registrar and an event server."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.notifier = stack.enter_context(Notifier())
        self.pbx = Pbx(folder / "pbx")
        self.pbx.notifier_port = self.notifier.port
        stack.enter_context(self.pbx)
        file = folder / "password"
        file.write_text("secret\n")
        self.accounts = [{"user": "box", "domain": self.pbx.domain, "password_file": str(file)}]

    def tell(self, user: str, dialog: Dialog) -> None:
        """Tell of the customer's call at the phone."""
        tags = [value.rpartition("tag=")[2].partition(";")[0] for value in (dialog.remote, dialog.local)]
        self.notifier.dialogs[user] = [(dialog.call_id, tags[0], tags[1], "confirmed")]


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    with ExitStack() as stack:
        yield Exchange(tmp_path, stack)


@KAMAILIO
@MODULE_LOOP
@pytest.mark.parametrize("running", [plain.running, front.running], ids=["workers", "front"])
async def test_a_call_is_found_and_joined(running: Any, exchange: Exchange, tmp_path: Path, caller: Caller) -> None:
    with SipPhone(user="5003", registrar=exchange.pbx.domain, joins=True) as phone:
        await asyncio.to_thread(phone.wait, "registered", timeout_s=5)
        async with running(tmp_path / "run", calls=4, accounts=exchange.accounts) as trunk:
            dialog = await caller.call(exchange.pbx.port, to="5003")
            exchange.tell("5003", dialog)
            await trunk.tap.join("0", "5003")
            with pytest.raises(LineBusyError):
                await trunk.tap.dial("0", "5003", "")
            await trunk.wait(CallAnswered)
            joined = phone.facts("invited")[1].details["message"]
            assert re.search(rf"^Join: {re.escape(dialog.call_id)};to-tag=\S+;from-tag=\S+\r?$", joined, re.MULTILINE)
            await trunk.tap.hang_up("0", "enough")
            await trunk.wait(CallLeft)
            assert await caller.bye(dialog) == 200


@KAMAILIO
@MODULE_LOOP
async def test_a_phone_that_knows_no_join_does_not_ring(exchange: Exchange, tmp_path: Path, caller: Caller) -> None:
    with ExitStack() as stack:
        phone = stack.enter_context(SipPhone(user="5003", registrar=exchange.pbx.domain))
        conference = stack.enter_context(SipPhone(user="conf-5003", registrar=exchange.pbx.domain))
        for peer in (phone, conference):
            await asyncio.to_thread(peer.wait, "registered", timeout_s=5)
        dialog = await caller.call(exchange.pbx.port, to="5003")
        exchange.tell("5003", dialog)
        given: dict[str, Any] = {"calls": 2, "accounts": exchange.accounts}
        async with plain.running(tmp_path / "run", **given) as trunk:
            await trunk.tap.join("0", "5003")
            (left,) = await trunk.wait(CallLeft)
            assert left.reason.startswith("what we ask for is not supported (420")
        async with plain.running(
            tmp_path / "run", join_uri=f"sip:conf-{{number}}@{exchange.pbx.domain}", **given
        ) as trunk:
            await trunk.tap.join("0", "5003")
            await trunk.wait(CallAnswered)
            assert len(conference.facts("answered")) == 1
        assert len(phone.facts("invited")) == 1, "the customer's alone"
        await caller.bye(dialog)


@KAMAILIO
@MODULE_LOOP
async def test_a_pbx_that_tells_nothing(tmp_path: Path, caller: Caller) -> None:
    del caller
    with ExitStack() as stack:
        exchange = Exchange(tmp_path, stack)
        exchange.notifier.mute = True
        given: dict[str, Any] = {"calls": 2, "accounts": exchange.accounts, "join_s": 1}
        async with plain.running(tmp_path / "run", **given) as trunk:
            await trunk.tap.join("0", "5003")
            (left,) = await trunk.wait(CallLeft)
            assert left.reason == "the PBX does not tell of its calls within 1 s"
            await trunk.tap.join("1", "5003")
            await trunk.tap.hang_up("1", "taken back")
            assert (await trunk.wait(CallLeft, 2))[1].reason == "taken back"
            with pytest.raises(LineIdleError):
                await trunk.tap.hang_up("1", "again")


def test_only_a_call_that_is_up_and_has_all_its_names_is_one_to_join() -> None:
    told = [("early@x", "a", "b", "early"), ("up@x", "l", "r", "confirmed"), ("bad;x", "l", "r", "confirmed")]
    assert dialogs_of(Document.read(document("5003", told))) == [PhoneDialog("up@x", "l", "r")]
    nameless = '<dialog-info><dialog id="1"><state>confirmed</state></dialog></dialog-info>'
    assert dialogs_of(Document.read(nameless)) == []
    assert dialogs_of(Document.read("not XML")) == []
    assert PhoneDialog("up@x", "l", "r").join == "up@x;to-tag=l;from-tag=r"


def test_a_line_break_in_a_name_does_not_reach_the_header() -> None:
    evil = document("5003", [("x&#13;&#10;Evil: 1", "l", "r", "confirmed")])
    assert dialogs_of(Document.read(evil)) == []
