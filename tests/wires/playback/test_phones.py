"""Playback of each type from a whole box to a real SIP phone, through a registrar with digest and a bridge.

The registrar and proxy is Debian's Kamailio. Conferences, barge codes and Join are those of a small bridge of our own
on PJSIP (:mod:`hil.peers.sip_phone_process`), and what is told of a phone's calls comes from an event server of our own
(:mod:`hil.peers.pbx.notifier`): Debian 12 has no PBX that does these.
"""

from __future__ import annotations

import shutil
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from appliance.audio import measure
from hil.child_box import ChildBox
from hil.peers.call_plan import CallPlan
from hil.peers.pbx import Notifier, Pbx
from hil.peers.sip_caller import SipCaller, write_tone
from hil.peers.sip_phone import SipPhone
from tests.contract.kinds import free_sip_port
from tests.e2e.desk import Desk, read_legs

pytestmark = [
    pytest.mark.wires,
    pytest.mark.skipif(shutil.which("kamailio", path="/usr/sbin:/usr/bin") is None, reason="kamailio is not installed"),
]

RATE_HZ = 8000
PLAYED_S = 4.0
Pcm = npt.NDArray[np.int16]


class Exchange:
    """The box, its PBX, and what is played."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.stack = stack
        self.notifier = stack.enter_context(Notifier())
        self.pbx = Pbx(folder / "pbx")
        bridge = SipPhone(user="bridge", bridge=True, next_hop=f"sip:{{number}}@{self.pbx.domain}")
        self.bridge = stack.enter_context(bridge)
        self.pbx.notifier_port, self.pbx.bridge_port = self.notifier.port, self.bridge.port
        stack.enter_context(self.pbx)
        (folder / "password").write_text("secret\n")
        account = {"user": "box", "domain": self.pbx.domain, "password_file": str(folder / "password")}
        tap = {
            "name": "trunk",
            "kind": "sip",
            "front": "none",
            "port": free_sip_port(),
            "calls": 2,
            "rtp_ports": 35_000,
        }
        taps = [{**tap, "accounts": [account], "assign": {"1": "playback"}, "digit_pause_s": 0.2}]
        sections = {"recording": {"holdback_s": 2, "reserve_mb": 10}}
        self.box = stack.enter_context(ChildBox(folder, taps=taps, sections=sections))
        self.desk = stack.enter_context(Desk(self.box))
        self.file = self.box.recording_path / "20261101" / "said.wav"
        self.file.parent.mkdir(parents=True)
        self.said = np.random.default_rng(11).normal(0, 3000, round(PLAYED_S * RATE_HZ)).astype(np.int16)
        with wave.open(str(self.file), "wb") as file:
            file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
            file.writeframes(self.said.tobytes())

    @contextmanager
    def phone(self, user: str, **plan: Any) -> Iterator[SipPhone]:
        record = str(self.folder / f"{user}.wav")
        with SipPhone(user=user, registrar=self.pbx.domain, record=record, **plan) as phone:
            phone.wait("registered", timeout_s=5)
            yield phone

    def heard(self, user: str) -> Pcm:
        with wave.open(str(self.folder / f"{user}.wav")) as file:
            return np.frombuffer(file.readframes(file.getnframes()), np.int16)

    def play(self, device: str, **values: str) -> None:
        self.desk.send("EXTENSIONPLAYBACKSTART", DEVICE=device, FILENAME=str(self.file), **values)

    def states(self) -> list[tuple[str, str]]:
        rows = self.desk.send("CHANNELS").rows("CHANNELS/CHANNEL")
        return [(row["STATE"], row["PLAYBACKEXTENSION"]) for row in rows]

    def until(self, state: str, extension: str = "", seconds: float = 8) -> None:
        """Wait until the line for playback is in the state."""
        until_s = time.monotonic() + seconds
        while self.states()[1] != (state, extension):
            assert time.monotonic() < until_s, self.states()
            time.sleep(0.02)

    def check(self, user: str, level: float = 0.97) -> None:
        found = measure.find_offset(self.said, self.heard(user))
        assert found.likeness > level, found

    @contextmanager
    def customer(self, device: str) -> Iterator[SipCaller]:
        """A customer on the phone with a device, whose voice is a quiet tone."""
        tone = str(write_tone(self.folder / "tone.wav", 441, 40, -40))
        with SipCaller([CallPlan(number=0, uri=f"sip:{device}@{self.pbx.domain}", sounds=(tone,))]) as caller:
            caller.wait("playing", timeout_s=8)
            yield caller


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with ExitStack() as stack:
        yield Exchange(tmp_path_factory.mktemp("exchange"), stack)


def test_dial_rings_the_phone_and_plays_on_its_answer(exchange: Exchange) -> None:
    with exchange.phone("5001", ring_s=0.8) as phone:
        exchange.play("5001")
        assert exchange.states()[1] == ("DialingForPlayback", "5001")
        assert not phone.facts("answered")
        exchange.until("Playback", "5001")
        phone.wait("answered", timeout_s=1)
        time.sleep(PLAYED_S + 0.7)
        assert exchange.states()[1] == ("Playback", "5001"), "whoever was called hangs up"
        phone.hang_up()
        exchange.until("Idle")
    exchange.check("5001", 0.99)


@pytest.mark.parametrize("way", ["end", "stop", "callstop", "hang up"])
def test_a_barged_call_hears_it_and_the_channel_is_freed_in_each_way(exchange: Exchange, way: str) -> None:
    user = f"51{len(way):02}"
    with exchange.phone(user) as phone, exchange.customer(user) as customer:
        phone.wait("answered", timeout_s=5)
        exchange.desk.send("CALLSTART", DEVICEID=user)
        exchange.play(user, BARGECODE="*9", PLAYBACKTYPE="BARGE")
        exchange.until("Playback", user)
        ways: dict[str, Callable[[], object]] = {
            "end": lambda: None,
            "stop": lambda: exchange.desk.send("EXTENSIONPLAYBACKSTOP", DEVICE=user),
            "callstop": lambda: exchange.desk.send("CALLSTOP", DEVICEID=user),
            "hang up": phone.hang_up,
        }
        if way != "end":
            time.sleep(1.5)
        ways[way]()
        if way == "stop":
            assert exchange.states()[1] == ("Idle", ""), "the answer comes when the channel is free"
        exchange.until("Idle", seconds=8 if way == "end" else 2.5)
        if way != "hang up":
            assert not phone.facts("ended"), "the call that was joined goes on"
            customer.hang_up()
        phone.wait("ended", timeout_s=4)
        exchange.desk.send("CALLSTOP", DEVICEID=user)
    if way == "end":
        exchange.check(user)
    else:
        found = measure.find_offset(exchange.said[:RATE_HZ], exchange.heard(user))
        assert found.likeness > 0.97, found


def test_ssc_finds_the_call_by_the_pbxs_word_and_joins_it(exchange: Exchange) -> None:
    with exchange.phone("5201") as phone, exchange.customer("5201"):
        phone.wait("answered", timeout_s=5)
        invited = exchange.bridge.facts("invited")[-1].details
        tag = invited["message"].partition("\r\nFrom:")[2].partition("\r\n")[0].rpartition("tag=")[2]
        gone = ("gone@x", "a", "b", "terminated")
        exchange.notifier.dialogs["5201"] = [gone, (invited["call_id"], "bridge", tag, "confirmed")]
        exchange.play("5201", PLAYBACKTYPE="SSC")
        exchange.until("Playback", "5201")
        exchange.until("Idle")
        assert "5201" in exchange.notifier.subscribed
        message = exchange.bridge.facts("invited")[-1].details["message"]
        assert f"Join: {invited['call_id']};to-tag=bridge;from-tag={tag}" in message
        assert "Require: join" in message
        assert not phone.facts("ended")
    exchange.check("5201")


def test_ssc_without_a_call_to_join_frees_the_channel_and_says_why(exchange: Exchange) -> None:
    exchange.notifier.dialogs["5202"] = [("x", "a", "b", "early")]
    exchange.play("5202", PLAYBACKTYPE="SSC")
    exchange.until("Idle")
    exchange.notifier.dialogs["5203"] = [("x@nowhere", "a", "b", "confirmed")]  # told, but over meanwhile
    exchange.play("5203", PLAYBACKTYPE="SSC")
    exchange.until("Idle")
    log = exchange.box.log_path.read_text()
    assert "nothing is played to 5202: 5202 has no call to join" in log
    assert "nothing is played to 5203: the call that was to be joined is gone (481" in log


def test_refusals_are_told(exchange: Exchange) -> None:
    with exchange.phone("5301", code=486):
        exchange.play("5301")
        exchange.until("Idle")
    assert "nothing is played to 5301: busy (486" in exchange.box.log_path.read_text()
    asked = {"TYPE": "EXTENSIONPLAYBACKSTART", "FILENAME": str(exchange.file)}
    assert exchange.desk.client.request({**asked, "DEVICE": "53\r\nX: 1"}).code == 8
    assert exchange.desk.client.request({**asked, "DEVICE": "sip:evil@example.com"}).code == 8
    assert exchange.states()[1] == ("Idle", "")


def test_a_call_is_monitored_by_dialling_its_observe_code(exchange: Exchange, tmp_path: Path) -> None:
    said = np.random.default_rng(12).normal(0, 3000, 3 * RATE_HZ).astype(np.int16)
    with wave.open(str(tmp_path / "said.wav"), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(said.tobytes())
    with exchange.phone("5401", sound=str(tmp_path / "said.wav")) as phone:
        exchange.desk.start("5003", DIALTOMONITOR="5401,,5003#")
        assert exchange.states()[0][0] == "Recording"
        time.sleep(4)
        phone.hang_up()
        path = exchange.desk.saved("5003")
        exchange.desk.send("CALLSTOP", DEVICEID="5003")
        assert exchange.states()[0][0] == "Idle"
    found = measure.find_offset(said, np.ascontiguousarray(read_legs(path)[:, 0]))
    assert found.likeness > 0.97, found


def test_who_played_what_and_when_stands_in_the_audit(exchange: Exchange) -> None:
    exchange.play("5999")
    exchange.until("Idle")
    log = exchange.box.log_path.read_text()
    assert "audit: EXTENSIONPLAYBACKSTART" in log
    assert "5999" in log
