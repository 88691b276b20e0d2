"""Joining the call at a phone: found by RFC 4235, joined by RFC 3911, or by a conference's URI, or refused."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from drivers.contract import CallAnswered, CallLeft, LineBusyError, LineIdleError
from hil.peers.pbx import Notifier, Pbx
from hil.peers.sip_phone import SipPhone
from hil.peers.sip_uac import Dialog
from tests.wires.front import conftest as front
from tests.wires.sip import conftest as plain
from tests.wires.sip.conftest import Caller
from tests.wires.sip.dialog_makes import KIND, TELLINGS, dialog, whole

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
            await asyncio.to_thread(conference.wait, "answered", timeout_s=3)
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


@KAMAILIO
@MODULE_LOOP
async def test_every_make_is_understood_and_what_cannot_be_joined_says_why(exchange: Exchange, tmp_path: Path) -> None:
    notifier = exchange.notifier
    with SipPhone(user="5003", registrar=exchange.pbx.domain, joins=True) as phone:
        await asyncio.to_thread(phone.wait, "registered", timeout_s=5)
        async with plain.running(tmp_path / "run", calls=2, accounts=exchange.accounts) as trunk:
            for count, (name, telling) in enumerate(TELLINGS.items(), 1):
                notifier.bodies["5003"], notifier.kind, notifier.state = telling.bodies, telling.kind, telling.state
                notifier.hasty = count % 2 == 0  # the notifications before the answer to the subscription
                before = len(phone.facts("invited"))
                await trunk.tap.join("0", "5003")
                reason = (await trunk.wait(CallLeft, count, timeout_s=5))[-1].reason
                if not telling.reason:
                    await front.until(lambda: len(phone.facts("invited")) > before)  # noqa: B023 - at once
                joined = [fact.details["message"] for fact in phone.facts("invited")[before:]]
                if telling.reason:
                    assert (reason, joined) == (telling.reason, []), name
                else:  # nobody is in that call here
                    assert reason.startswith("the call that was to be joined is gone (481"), (name, reason)
                    assert "\r\nJoin: up@pbx;to-tag=mine;from-tag=theirs\r\n" in joined[0], name
            assert trunk.tap.status.restarts == 0


@KAMAILIO
@pytest.mark.skipif(not Pbx.can_tell(), reason="kamailio-presence-modules is not installed")
@MODULE_LOOP
async def test_another_make_names_no_tags_so_that_its_conference_is_called(tmp_path: Path, caller: Caller) -> None:
    """Kamailio's own event server: while a call is up it tells the Call-ID alone."""
    with ExitStack() as stack:
        pbx = stack.enter_context(Pbx(tmp_path / "pbx", tells=True))
        phones = [stack.enter_context(SipPhone(user=user, registrar=pbx.domain)) for user in ("5003", "conf-5003")]
        for phone in phones:
            await asyncio.to_thread(phone.wait, "registered", timeout_s=5)
        (tmp_path / "password").write_text("secret\n")
        account = {"user": "box", "domain": pbx.domain, "password_file": str(tmp_path / "password")}
        uri = f"sip:conf-{{number}}@{pbx.domain}"
        async with plain.running(tmp_path / "run", calls=2, accounts=[account], join_s=2, join_uri=uri) as trunk:
            customer = await caller.call(pbx.port, to="5003")
            await trunk.tap.join("0", "5003")
            await trunk.wait(CallAnswered)
            await asyncio.to_thread(phones[1].wait, "answered", timeout_s=3)
            assert len(phones[0].facts("invited")) == 1, "the customer's alone"
            await trunk.tap.hang_up("0", "enough")
            await trunk.wait(CallLeft)
            assert await caller.bye(customer) == 200
            await asyncio.sleep(0.5)  # until Kamailio has published it
            await trunk.tap.join("0", "5003")
            assert (await trunk.wait(CallLeft, 2))[1].reason == "5003 has no call to join"


MANY = [dialog("terminated", key=str(n)) for n in range(300)]  # 30 kB


@KAMAILIO
@MODULE_LOOP
@pytest.mark.parametrize(
    ("running", "is_read"), [(plain.running, False), (front.running, True)], ids=["workers", "front"]
)
async def test_what_is_told_of_a_phone_may_be_long_behind_a_front(
    running: Any, is_read: Any, exchange: Exchange, tmp_path: Path
) -> None:
    exchange.notifier.bodies["5003"] = [whole(*MANY, dialog())]
    length = len(exchange.notifier.bodies["5003"][0])
    assert length > 30_000
    async with running(tmp_path / "run", calls=4, accounts=exchange.accounts, join_s=1) as trunk:
        await trunk.tap.join("0", "5003")
        reason = (await trunk.wait(CallLeft))[0].reason
        told = f"what the PBX tells of its calls has {length} octets, more than can be read without a front"
        assert reason.startswith("not found (404") if is_read else reason == told, reason


@KAMAILIO
@MODULE_LOOP
async def test_the_conference_is_called_where_nobody_names_the_call(exchange: Exchange, tmp_path: Path) -> None:
    notifier = exchange.notifier
    with SipPhone(user="conf-5003", registrar=exchange.pbx.domain) as conference:
        await asyncio.to_thread(conference.wait, "registered", timeout_s=5)
        given: dict[str, Any] = {"calls": 2, "accounts": exchange.accounts, "join_s": 10}
        uri = f"sip:conf-{{number}}@{exchange.pbx.domain}"
        async with plain.running(tmp_path / "run", join_uri=uri, **given) as trunk:
            for count, refusal in enumerate(("", "489 Bad Event", "403 Forbidden"), 1):
                notifier.refusal = refusal
                notifier.bodies["5003"] = [whole(dialog(names=""))]
                await trunk.tap.join("0", "5003")
                await trunk.wait(CallAnswered, count)  # long before join_s
                await trunk.tap.hang_up("0", "enough")
                await trunk.wait(CallLeft, count)
            notifier.refusal, notifier.bodies["5003"] = "", [whole(dialog("early"))]
            await trunk.tap.join("0", "5003")
            assert (await trunk.wait(CallLeft, 4))[3].reason == "5003 has no call to join"
            assert len(conference.facts("answered")) == 3
        async with plain.running(tmp_path / "run", **given) as trunk:
            notifier.refusal = "489 Bad Event"
            await trunk.tap.join("0", "5003")
            assert (await trunk.wait(CallLeft))[0].reason == "the PBX does not tell of its calls (489 Bad Event)"


@KAMAILIO
@MODULE_LOOP
async def test_what_comes_outside_the_subscription_is_no_word_of_the_pbx(exchange: Exchange, tmp_path: Path) -> None:
    exchange.notifier.mute = True
    async with plain.running(tmp_path / "run", calls=2, accounts=exchange.accounts, join_s=1) as trunk:
        await trunk.tap.join("0", "5003")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            body = whole(dialog())
            lines = [
                f"NOTIFY sip:box@127.0.0.1:{trunk.port} SIP/2.0",
                f"Via: SIP/2.0/UDP 127.0.0.1:{stranger.getsockname()[1]};branch=z9hG4bKstranger",
                f"From: <sip:5003@{exchange.pbx.domain}>;tag=guessed",
                f"To: <sip:box@{exchange.pbx.domain}>;tag=guessed",
                *("Call-ID: guessed", "CSeq: 1 NOTIFY", "Max-Forwards: 70", "Event: dialog"),
                *("Subscription-State: active", f"Content-Type: {KIND}", f"Content-Length: {len(body)}", "", body),
            ]
            stranger.sendto("\r\n".join(lines).encode(), ("127.0.0.1", trunk.port))
        assert (await trunk.wait(CallLeft))[0].reason == "the PBX does not tell of its calls within 1 s"
