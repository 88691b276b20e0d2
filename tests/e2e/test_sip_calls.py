from __future__ import annotations

import asyncio
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.audio import measure
from hil.child_box import HOST, ChildBox
from hil.peers.call_plan import CallPlan
from hil.peers.rtp_source import RtpSource, SourceCall
from hil.peers.sip_caller import SipCaller, write_tone
from tests.e2e.conftest import Boxes
from tests.e2e.desk import Desk, Legs, check_record, read_legs

RATE = 8000
LEFT_HZ, RIGHT_HZ = 441.0, 1013.0  # no whole number of periods in 20 ms: a packet left out shows
SECONDS = 4.0


def plan_call(folder: Path, port: int, device: str, *, streams: int = 2, **more: Any) -> CallPlan:
    sounds = [write_tone(folder / f"{hz}.wav", hz, SECONDS) for hz in (LEFT_HZ, RIGHT_HZ)[:streams]]
    return CallPlan(
        **{
            "number": 0,
            "uri": f"sip:{device}@127.0.0.1:{port}",
            "sounds": tuple(map(str, sounds)),
            "duration_s": SECONDS + 0.1,
            **more,
        }
    )


def check_tones(legs: Legs, streams: int = 2) -> None:
    """Each tone on its leg, no sample missing, the legs in step to 20 ms."""
    assert legs.shape[1] == streams
    begins = []
    for leg, hz in enumerate((LEFT_HZ, RIGHT_HZ)[:streams]):
        found = measure.check_continuity(legs[:, leg], RATE)
        assert found.tone.frequency_hz == pytest.approx(hz, abs=0.1)
        assert found.unbroken, found.breaks
        assert found.tone.frames == pytest.approx(SECONDS * RATE, abs=8)
        begins.append(found.tone.begin_frame)
    assert max(begins) - min(begins) <= 0.02 * RATE


def test_two_tones_come_out_of_the_export_each_on_its_leg(sip_desk: Desk, sip_port: int, tmp_path: Path) -> None:
    sip_desk.send("CALLSTART", DEVICEID="5001", USER2="two tones")
    with SipCaller([plan_call(tmp_path, sip_port, "5001")]) as caller:
        assert sip_desk.log.wait("RECORDINGSTARTED", "5001").data["ERRORREASON"] == "NONE"
        caller.wait("ended", timeout_s=15)
    path = sip_desk.stop("5001")
    record = check_record(path)
    assert not record["interrupted"]
    assert record["duration_s"] == pytest.approx(SECONDS + 0.1, abs=0.2)
    check_tones(sip_desk.export("user2", "two tones")[0])
    assert sip_desk.log.kinds_of("5001") == [
        *("CALLSTART", "RECORDINGSTARTED", "CALLSTOP", "RECORDINGSTOPPED", "RECORDINGUPDATE")
    ]


def test_media_before_callstart_ends_in_the_same_recording(sip_desk: Desk, sip_port: int, tmp_path: Path) -> None:
    with SipCaller([plan_call(tmp_path, sip_port, "5002")]) as caller:
        caller.wait("playing", timeout_s=10)
        time.sleep(1)
        assert sip_desk.start("5002").data["ERRORREASON"] == "NONE"
        caller.wait("ended", timeout_s=15)
    check_tones(read_legs(sip_desk.stop("5002")))


def test_a_plain_call_has_one_leg(sip_desk: Desk, sip_port: int, tmp_path: Path) -> None:
    sip_desk.send("CALLSTART", DEVICEID="5003")
    with SipCaller([plan_call(tmp_path, sip_port, "5003", streams=1, codec="PCMA")]) as caller:
        caller.wait("ended", timeout_s=15)
    check_tones(read_legs(sip_desk.stop("5003")), streams=1)


def test_the_device_is_named_by_a_header_before_the_user(sip_desk: Desk, sip_port: int, tmp_path: Path) -> None:
    plan = plan_call(tmp_path, sip_port, "9999", headers={"X-Device": "5004"}, duration_s=1.5)
    sip_desk.send("CALLSTART", DEVICEID="5004")
    with SipCaller([plan]) as caller:
        assert sip_desk.log.wait("RECORDINGSTARTED", "5004").data["ERRORREASON"] == "NONE"
        caller.wait("ended", timeout_s=15)
    assert len(read_legs(sip_desk.stop("5004"))) > RATE


def test_a_call_on_hold_is_silent_and_goes_on_after_it(sip_desk: Desk, sip_port: int, tmp_path: Path) -> None:
    plan = plan_call(tmp_path, sip_port, "5005", duration_s=6.2, hold_after_s=1.5, resume_after_s=3.5)
    sip_desk.send("CALLSTART", DEVICEID="5005")
    with SipCaller([plan]) as caller:
        caller.wait("ended", timeout_s=15)
    legs = read_legs(sip_desk.stop("5005"))
    assert len(legs) / RATE == pytest.approx(6.2, abs=0.2)
    for leg, hz in enumerate((LEFT_HZ, RIGHT_HZ)):
        pauses = [s for s in measure.silences(legs[:, leg], RATE) if s.length_s > 1]
        assert [s.length_s for s in pauses] == [pytest.approx(2, abs=0.3)]
        for part in (legs[: round(pauses[0].from_s * RATE)], legs[round(pauses[0].until_s * RATE) :]):
            assert measure.find_tone(part[:, leg], RATE).frequency_hz == pytest.approx(hz, abs=0.3)


def test_a_call_whose_media_never_comes_ends_with_a_reason(make_box: Boxes, own_sip_port: int) -> None:
    taps = [{"name": "trunk", "kind": "sip", "port": own_sip_port, "front": "none", "calls": 4}]
    with Desk(make_box(taps, recording={"media_wait_s": 1})) as desk:
        desk.send("CALLSTART", DEVICEID="5006")
        assert desk.log.wait("RECORDINGSTARTED", "5006").data["ERRORREASON"] == "NO_MEDIA"
        desk.send("CALLSTOP", DEVICEID="5006")
        desk.log.wait("CALLSTOP", "5006")
        assert not list(desk.box.recording_path.rglob("*.wav"))


def test_a_call_to_an_unknown_device_is_refused(make_box: Boxes, own_sip_port: int, tmp_path: Path) -> None:
    tap = {"name": "trunk", "kind": "sip", "port": own_sip_port, "front": "none", "calls": 4}
    box = make_box([{**tap, "devices": ["50*"], "unknown_devices": "refuse"}])
    with SipCaller([plan_call(tmp_path, own_sip_port, "7777")]) as caller:
        (fact,) = caller.wait_over(timeout_s=10).values()
    assert (fact.event, fact.details["code"]) == ("refused", 404)
    with Desk(box) as desk:
        desk.send("CALLSTART", DEVICEID="5007")
        with SipCaller([plan_call(tmp_path, own_sip_port, "5007", duration_s=1.5)]) as caller:
            caller.wait("ended", timeout_s=10)
        assert len(read_legs(desk.stop("5007"))) > RATE


def test_an_arriving_call_nobody_asked_for_is_not_kept(sip_desk: Desk, sip_port: int, tmp_path: Path) -> None:
    with SipCaller([plan_call(tmp_path, sip_port, "5008", duration_s=1)]) as caller:
        caller.wait("ended", timeout_s=10)
    time.sleep(1.5)
    assert sip_desk.log.of("5008") == []
    assert not list(sip_desk.box.recording_path.rglob("5008*"))
    assert not [p for p in (sip_desk.box.run_dir / "spool").iterdir() if p.is_dir() and p.name != "workers"]
    assert {r["STATE"] for r in sip_desk.send("CHANNELS").rows("CHANNELS/CHANNEL")} == {"Idle"}


def test_past_the_limit_calls_are_busy(make_box: Boxes, own_sip_port: int, tmp_path: Path) -> None:
    box = make_box([{"name": "trunk", "kind": "sip", "port": own_sip_port, "front": "none", "calls": 2}])
    plans = [
        plan_call(tmp_path, own_sip_port, f"500{n}", number=n, duration_s=2, begin_after_s=0.3 * n) for n in range(3)
    ]
    with SipCaller(plans) as caller:
        over = caller.wait_over(timeout_s=15)
    assert [over[n].event for n in range(3)] == ["ended", "ended", "refused"]
    assert over[2].details["code"] == 486
    with urllib.request.urlopen(f"http://{HOST}:{box.web_port}/metrics", timeout=10) as answer:
        assert 'linetap_calls_refused_total{tap="trunk"} 1\n' in answer.read().decode()


def test_a_trunk_without_cti_starts_calls_itself(make_box: Boxes, own_sip_port: int, tmp_path: Path) -> None:
    tap = {"name": "trunk", "kind": "sip", "port": own_sip_port, "front": "none", "calls": 4, "starts_calls": True}
    with Desk(make_box([tap])) as desk:
        with SipCaller([plan_call(tmp_path, own_sip_port, "5010", from_user="15551234")]) as caller:
            caller.wait("ended", timeout_s=15)
        path = desk.saved("5010")
        check_tones(read_legs(path))
        assert check_record(path)["fields"]["ani"] == "15551234"
        assert desk.log.kinds_of("5010") == [
            *("CALLSTART", "RECORDINGSTARTED", "CALLSTOP", "RECORDINGSTOPPED", "RECORDINGUPDATE")
        ]


async def test_no_numbered_packet_of_eight_calls_is_lost(sip_box: ChildBox, sip_port: int) -> None:
    count, packets = 8, 250
    calls = [
        SourceCall(
            number=n,
            uri=f"sip:600{n}@127.0.0.1:{sip_port + 2 * (n % 2)}",
            streams=2,
            packets=packets,
            begin_after_s=0.1 * n,
        )
        for n in range(count)
    ]
    with Desk(sip_box) as desk:
        for call in calls:
            desk.send("CALLSTART", DEVICEID=f"600{call.number}")
        source = RtpSource(calls)
        results = await source.run()
        assert [r.code for r in results] == [200] * count
        for result in results:
            path = await asyncio.to_thread(desk.stop, f"600{result.number}")
            legs = read_legs(path)
            assert len(legs) / RATE == pytest.approx(result.call_s, abs=0.1)
            for leg in (0, 1):
                found = measure.read_coded(np.ascontiguousarray(legs[:, leg]), leg)
                assert found.lost(packets) == [], source.lateness()
                assert found.doubled == 0
                assert found.slips == []
