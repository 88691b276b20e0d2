"""Playback from a whole box to a phone of another make: Debian's baresip, at Debian's Kamailio.

baresip decodes each packet into its file as it comes, behind a jitter buffer of 100 ms at most. What it heard of the
recording is likened to it by correlation: G.711 alone leaves 0.9995 of such noise, and 0.99 is the limit, which three
lost packets in the four seconds break.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from appliance.audio import measure
from hil.peers.baresip import PROGRAM
from tests.wires.playback.exchange import PLAYED_S, RATE_HZ, Exchange

pytestmark = [
    pytest.mark.wires,
    pytest.mark.skipif(shutil.which("kamailio", path="/usr/sbin:/usr/bin") is None, reason="kamailio is not installed"),
    pytest.mark.skipif(PROGRAM is None, reason="baresip is not installed"),
]
RING_S, LOST_PHONE_S = 2, 2


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
    log = exchange.box.log_path.read_text()
    assert "nothing is played to 5003: busy (486 Rejected)" in log
    assert f"nothing is played to 5003: no answer within {RING_S} s" in log
    assert "nothing is played to 5004: busy (486 Max Calls)" in log


def test_a_phone_that_vanishes_frees_the_channel(exchange: Exchange) -> None:
    with exchange.baresip("5005") as phone:
        exchange.play("5005")
        exchange.until("Playback", "5005")
        time.sleep(1)
        phone.kill()
        exchange.until("Idle", seconds=LOST_PHONE_S + 6)
