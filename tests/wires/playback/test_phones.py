"""Playback of each type from a whole box to a real SIP phone, through a registrar with digest and a bridge.

The registrar and proxy is Debian's Kamailio. Conferences, barge codes and Join are those of a small bridge of our own
on PJSIP (:mod:`hil.peers.sip_phone_process`), and what is told of a phone's calls comes from an event server of our own
(:mod:`hil.peers.pbx.notifier`): Debian 12 has no PBX that does these.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from appliance.audio import measure
from tests.e2e.desk import read_legs
from tests.wires.playback.exchange import PLAYED_S, RATE_HZ, Exchange, write_noise

pytestmark = [
    pytest.mark.wires,
    pytest.mark.skipif(shutil.which("kamailio", path="/usr/sbin:/usr/bin") is None, reason="kamailio is not installed"),
]


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
    exchange.check(exchange.heard("5001"), 0.99)


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
        exchange.check(exchange.heard(user))
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
    exchange.check(exchange.heard("5201"))


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
    said = write_noise(tmp_path / "said.wav", 3, 12)
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


def test_who_played_what_when_and_what_came_of_it_stand_in_the_audit(exchange: Exchange) -> None:
    exchange.play("5999")
    exchange.until("Idle")
    assert exchange.ended("5999") == [("not answered", "not found (404 Not Found)")]
    log = exchange.box.log_path.read_text()
    begun, ended = (line for line in log.splitlines() if "audit: EXTENSIONPLAYBACKSTART" in line and "5999" in line)
    assert "EXTENSIONPLAYBACKSTART from 127.0.0.1:" in begun
    assert "EXTENSIONPLAYBACKSTART END from 127.0.0.1:" in ended
