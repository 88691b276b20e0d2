from __future__ import annotations

import time

import numpy as np
import pytest

from appliance.audio import measure
from hil.child_box import ChildBox
from tests.e2e.conftest import Boxes
from tests.e2e.desk import OK, Desk, Legs, check_record, read_legs

RATE = 8000
ORDER = ["CALLSTART", "RECORDINGSTARTED", "CALLSTOP", "RECORDINGSTOPPED", "RECORDINGUPDATE"]


def check_line(legs: Legs, line: int, seconds: float, within_s: float = 0.4) -> None:
    """The line's two tones, each on its leg, whole, together, and as long as the call."""
    assert legs.shape[1] == 2
    for leg, base_hz in enumerate((300, 1000)):
        found = measure.check_continuity(legs[:, leg], RATE)
        assert found.tone.frequency_hz == pytest.approx(base_hz + 50 * line, abs=0.1)
        assert found.tone.level_dbfs == pytest.approx(-16, abs=0.3)
        assert found.unbroken, found.breaks
        assert found.tone.begin_frame < 160
        assert found.tone.end_frame > len(legs) - 160
    assert len(legs) / RATE == pytest.approx(seconds, abs=within_s)


def test_a_call_becomes_a_checked_file_and_its_events_come_in_order(desk: Desk) -> None:
    begun_s = time.monotonic()
    started = desk.start("5101", DEVICEALIAS="Desk 3", USER2="x")
    time.sleep(3)
    path = desk.stop("5101")
    seconds = time.monotonic() - begun_s
    assert desk.log.kinds_of("5101") == ORDER
    assert started.data["ERRORREASON"] == "NONE"
    assert started.data["FILENAME"] == str(path)
    check_line(read_legs(path), int(started.data["CHANNEL"]), min(seconds, 3.2))
    record = check_record(path)
    assert record["gaps"] == []
    assert not record["interrupted"]
    assert [(leg["party"], leg["channel"]) for leg in record["legs"]] == [("caller", 0), ("agent", 1)]
    assert path.parent.name == path.name[: len(path.parent.name)] == "Desk 3"


def test_the_newest_match_is_exported_as_wav_and_mp3(desk: Desk) -> None:
    for device, seconds in (("5001", 2.0), ("5002", 3.0)):
        line = int(desk.start(device, USER2="the same").data["CHANNEL"])
        time.sleep(seconds)
        desk.stop(device)
    wav, wav_rate_hz = desk.export("user2", "the same", "wav")
    assert wav_rate_hz == RATE
    check_line(wav, line, 3.0)
    mp3, mp3_rate_hz = desk.export("USER2", "the same", "mp3")
    assert mp3_rate_hz == RATE
    assert abs(len(mp3) - len(wav)) < 0.15 * RATE
    for leg, base_hz in enumerate((300, 1000)):
        assert measure.find_tone(mp3[:, leg], RATE).frequency_hz == pytest.approx(base_hz + 50 * line, abs=0.2)
        alike = measure.find_offset(wav[:, leg], mp3[:, leg], max_frames=4)
        assert alike.likeness > 0.95


def test_several_devices_at_once_each_have_their_line(desk: Desk) -> None:
    devices = ["6001", "6002", "6003", "6004"]
    lines = {device: int(desk.start(device).data["CHANNEL"]) for device in devices}
    assert len(set(lines.values())) == len(devices)
    time.sleep(2)
    for device in devices:
        legs = read_legs(desk.stop(device))
        check_line(legs, lines[device], 2.2, within_s=1.0)


def test_maxrecordtime_ends_the_recording_and_not_the_call(desk: Desk) -> None:
    desk.start("5104", MAXRECORDTIME=2)
    path = desk.saved("5104")
    assert len(read_legs(path)) / RATE == pytest.approx(2.0, abs=0.35)
    assert "MAXRECORDTIME" in check_record(path)["end_reason"]
    desk.send("CALLSTOP", DEVICEID="5104")
    desk.log.wait("CALLSTOP", "5104")
    assert desk.log.kinds_of("5104") == [
        *("CALLSTART", "RECORDINGSTARTED", "RECORDINGSTOPPED", "RECORDINGUPDATE", "CALLSTOP")
    ]


def test_a_higher_priority_takes_the_only_channel(make_box: Boxes) -> None:
    with Desk(make_box([{"name": "line", "kind": "virtual", "lines": 1}])) as desk:
        desk.start("1", PRIORITY=10)
        time.sleep(1)
        desk.send("CALLSTART", DEVICEID="2", PRIORITY=10)
        assert desk.log.wait("RECORDINGSTARTED", "2").data["ERRORREASON"] != "NONE"
        assert desk.start("3", PRIORITY=90).data["ERRORREASON"] == "NONE"
        cut = desk.saved("1")
        time.sleep(1)
        taken = desk.stop("3")
        check_line(read_legs(cut), 0, 1.2, within_s=0.5)
        check_line(read_legs(taken), 0, 1.2, within_s=0.5)
        assert check_record(cut)["end_reason"]


def test_callupdate_has_three_forms(desk: Desk) -> None:
    desk.start("5106", USER1="first")
    time.sleep(1)
    live = desk.send("CALLUPDATE", DEVICEID="5106", USER1="second", USER3="live")
    assert live.message == "CALLUPDATE sent to all of the following cores: 1"
    path = desk.stop("5106")
    assert check_record(path)["fields"]["user1"] == "second"
    record_id = desk.log.wait("RECORDINGUPDATE", "5106").data["RECORDID"]

    later = desk.send("CALLUPDATE", DEVICEID="5106", USER4="late", UPDATE_IF_NOT_RECORDING="Y")
    assert later.message == "Updated recording in database"
    by_id = desk.send("CALLUPDATE", RECORDID=record_id, USER5="by id")
    assert by_id.message == "Updated recording in database"
    for field, value in (("user1", "second"), ("user3", "live"), ("user4", "late"), ("user5", "by id")):
        samples, _ = desk.export(field, value)
        assert len(samples) > 0.5 * RATE


def test_a_restart_keeps_records_and_never_uses_a_number_twice(box: ChildBox) -> None:
    with Desk(box) as desk:
        desk.start("5107", USER2="before")
        time.sleep(1)
        first = desk.stop("5107")
        first_id = int(desk.log.wait("RECORDINGUPDATE", "5107").data["RECORDID"])
    octets = first.read_bytes()
    box.restart()
    with Desk(box) as desk:
        samples, _ = desk.export("user2", "before")
        assert len(samples) == check_record(first)["frames"]
        desk.start("5107", USER2="after")
        time.sleep(0.5)
        second = desk.stop("5107")
        second_id = int(desk.log.wait("RECORDINGUPDATE", "5107").data["RECORDID"])
    assert second_id > first_id
    assert second != first
    assert first.read_bytes() == octets


def test_sigterm_finishes_what_is_being_recorded(box: ChildBox) -> None:
    with Desk(box) as desk:
        started = desk.start("5108")
        time.sleep(2)
        assert box.stop() == 0
    (path,) = box.recording_path.rglob("*.wav")
    assert str(path) == started.data["FILENAME"]
    check_line(read_legs(path), int(started.data["CHANNEL"]), 2.3, within_s=0.5)
    assert check_record(path)["end_reason"]
    box.start()


def test_system_and_channels_tell_of_the_recording(desk: Desk) -> None:
    channel = desk.start("5109").data["CHANNEL"]
    rows = desk.send("CHANNELS").rows("CHANNELS/CHANNEL")
    assert [r["ID"] for r in rows] == [str(n) for n in range(8)]
    assert {r["ID"]: r["STATE"] for r in rows}[channel] == "Recording"
    (device,) = desk.send("DEVICESTATUS", DEVICEID="5109").rows("DEVICES/DEVICE")
    assert device["ISRECORDING"] == "Y"
    assert desk.client.request({"TYPE": "SYSTEMSTATUS"}).code == OK
    desk.stop("5109")
    (device,) = desk.send("DEVICESTATUS", DEVICEID="5109").rows("DEVICES/DEVICE")
    assert device["ISRECORDING"] == "N"


def test_a_mono_line_gives_a_mono_file(make_box: Boxes) -> None:
    with Desk(make_box([{"name": "line", "kind": "virtual", "lines": 1, "legs": 1}])) as desk:
        desk.start("1")
        time.sleep(1)
        legs = read_legs(desk.stop("1"))
    assert legs.shape[1] == 1
    assert measure.find_tone(np.ravel(legs), RATE).frequency_hz == pytest.approx(300, abs=0.1)


def test_a_box_without_taps_serves_on(make_box: Boxes) -> None:
    with Desk(make_box([])) as desk:
        desk.send("CALLSTART", DEVICEID="5001")
        assert desk.log.wait("RECORDINGSTARTED", "5001").data["ERRORREASON"] == "API_ERROR_NO_FREE_CHANNELS"
        assert desk.send("CHANNELS").rows("CHANNELS/CHANNEL") == []
