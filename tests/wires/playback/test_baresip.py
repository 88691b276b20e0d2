"""Playback to phones and a conference of other makes: Debian's baresip and linphone, at Debian's Kamailio.

baresip decodes each packet into its file as it comes, behind a jitter buffer of 100 ms at most. What it heard of the
recording is likened to it by correlation: G.711 alone leaves 0.9995 of such noise, and 0.99 is the limit, which three
lost packets in the four seconds break. linphone's mixer leaves 0.91 to 0.96; the limit there is 0.85.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from appliance.audio import measure
from hil.peers import linphone
from hil.peers.baresip import PROGRAM
from tests.e2e.desk import read_legs
from tests.wires.playback.exchange import PLAYED_S, RATE_HZ, Exchange, write_noise

pytestmark = [
    pytest.mark.wires,
    pytest.mark.skipif(shutil.which("kamailio", path="/usr/sbin:/usr/bin") is None, reason="kamailio is not installed"),
    pytest.mark.skipif(PROGRAM is None, reason="baresip is not installed"),
]
RING_S, LOST_PHONE_S = 3, 2


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with ExitStack() as stack:
        yield Exchange(
            tmp_path_factory.mktemp("exchange"), stack, bridged=False, ring_s=RING_S, lost_phone_s=LOST_PHONE_S
        )


def test_it_rings_answers_hears_the_recording_and_frees_the_channel(exchange: Exchange) -> None:
    with exchange.baresip("5001", answers="manual") as phone:
        exchange.play("5001")
        phone.wait("CALL_INCOMING", timeout_s=3)
        assert exchange.states()[1] == ("DialingForPlayback", "5001")
        phone.order("accept")
        exchange.until("Playback", "5001", seconds=2)
        time.sleep(PLAYED_S + 0.7)
        assert exchange.states()[1] == ("Playback", "5001"), "whoever was called hangs up"
        phone.order("hangup")
        exchange.until("Idle", seconds=2)
    exchange.check(phone.heard(), 0.99)
    assert exchange.ended("5001") == [("played", "the far end hung up")]


def test_a_phone_that_hangs_up_in_the_middle_frees_the_channel(exchange: Exchange) -> None:
    with exchange.baresip("5002") as phone:
        exchange.play("5002,,12#")
        exchange.until("Playback", "5002,,12#", seconds=4)
        time.sleep(2.5)
        phone.order("hangup")
        exchange.until("Idle", seconds=2)
        assert phone.digits == "12#"
    found = measure.find_offset(exchange.said[:RATE_HZ], phone.heard())
    assert found.likeness > 0.99, found
    assert exchange.ended("5002,,12#") == [("cut short", "the far end hung up")]


def test_busy_rejected_and_not_answered_free_the_channel_and_say_so(exchange: Exchange) -> None:
    with exchange.baresip("5003", answers="manual") as phone:
        exchange.play("5003")
        phone.wait("CALL_INCOMING", timeout_s=3)
        phone.order("hangup")
        exchange.until("Idle", seconds=2)
        exchange.play("5003")
        phone.wait("CALL_INCOMING", timeout_s=3, count=2)
        exchange.until("Idle", seconds=RING_S + 2)
        phone.wait("CALL_CLOSED", timeout_s=2, count=2)
    with exchange.baresip("5004", calls=1) as phone, exchange.customer("5004"):
        exchange.play("5004")
        exchange.until("Idle", seconds=2)
        assert len(phone.facts("CALL_ESTABLISHED")) == 1, "the customer's alone"
    reasons = ["busy (486 Rejected)", f"no answer within {RING_S} s"]
    assert exchange.ended("5003", 2) == [("not answered", reason) for reason in reasons]
    assert exchange.ended("5004") == [("not answered", "busy (486 Max Calls)")]


def test_a_phone_that_vanishes_frees_the_channel(exchange: Exchange) -> None:
    with exchange.baresip("5005") as phone:
        exchange.play("5005")
        exchange.until("Playback", "5005")
        time.sleep(1)
        phone.kill()
        exchange.until("Idle", seconds=LOST_PHONE_S + 6)
    reason = f"the phone is gone: neither RTP nor RTCP for {LOST_PHONE_S} s"
    assert exchange.ended("5005") == [("cut short", reason)]


def test_a_call_is_monitored_from_its_early_media_on_with_digits_and_silence(
    exchange: Exchange, tmp_path: Path
) -> None:
    said = write_noise(tmp_path / "said.wav", 3, 12)
    with exchange.baresip("5008", answers="early", sound=tmp_path / "said.wav") as phone:
        exchange.desk.send("CALLSTART", DEVICEID="5009", DIALTOMONITOR="5008,,12#")
        phone.wait("CALL_RTPESTAB", timeout_s=4)  # silence comes to it, so that a gateway keeps the call
        assert exchange.states()[0][0] == "PreparingToRecord"
        time.sleep(1)
        phone.order("accept")
        exchange.desk.log.wait("RECORDINGSTARTED", "5009")
        time.sleep(2.5)
        phone.order("hangup")
        path = exchange.desk.saved("5009")
        exchange.desk.send("CALLSTOP", DEVICEID="5009")
        assert phone.digits == "12#"
    assert len(phone.heard()) > 1.5 * RATE_HZ, "silence goes on; baresip begins another file at the answer"
    found = measure.find_offset(said, np.ascontiguousarray(read_legs(path)[:, 0]))
    assert found.likeness > 0.97, found


@pytest.mark.skipif(linphone.PROGRAM is None, reason="linphonec is not installed")
def test_everybody_in_a_conference_hears_what_is_barged_into_it_until_the_end_or_an_order(exchange: Exchange) -> None:
    with ExitStack() as stack:
        domain = exchange.pbx.domain
        room = stack.enter_context(linphone.Conference(exchange.folder / "room", user="7001", registrar=domain))
        callers = [stack.enter_context(exchange.baresip(user)) for user in ("5006", "5007")]
        exchange.until_registered("7001")
        for count, caller in enumerate(callers, 1):
            caller.order("dial", f"sip:7001@{domain}")
            room.wait_members(count, timeout_s=5)
        exchange.desk.send("CALLSTART", DEVICEID="7001")
        orders: tuple[tuple[str, dict[str, str]], ...] = (
            ("EXTENSIONPLAYBACKSTOP", {"DEVICE": "7001"}),
            ("CALLSTOP", {"DEVICEID": "7001"}),
        )
        for order, keys in (*orders, ("", {})):
            exchange.play("7001", BARGECODE="*9", PLAYBACKTYPE="BARGE")
            exchange.until("Playback", "7001", seconds=3)
            room.wait_members(3, timeout_s=3)
            if order:
                time.sleep(1)
                exchange.desk.send(order, **keys)
            exchange.until("Idle", seconds=2 if order else PLAYED_S + 2)
            room.wait_members(2, timeout_s=3)
        assert not any(caller.facts("CALL_CLOSED") for caller in callers), "the call that was joined goes on"
    assert exchange.ended("7001", 3) == [
        ("cut short", "EXTENSIONPLAYBACKSTOP"),
        ("cut short", "the call at the device ended"),
        ("played", "the recording is over"),
    ]
    for caller in callers:
        tail = exchange.said[-2 * RATE_HZ :]  # nobody hears it before linphone has added the line
        found = measure.find_offset(tail, caller.heard()[-8 * RATE_HZ :])
        assert found.likeness > 0.85, found
