"""EXTENSIONPLAYBACKSTART and EXTENSIONPLAYBACKSTOP at a whole box; the virtual line's phones answer at once."""

from __future__ import annotations

import time

from tests.e2e.conftest import Boxes
from tests.e2e.desk import OK, Desk, check_record


def test_a_recording_is_played_and_its_channel_is_freed(make_box: Boxes) -> None:
    taps = [{"name": "lines", "kind": "virtual", "lines": 2, "assign": {"0": "device:5501", "1": "playback"}}]
    box = make_box(taps)
    with Desk(box) as desk:
        desk.start("5501", USER1="to be heard")
        time.sleep(3)
        path = desk.stop("5501")

        def channel() -> tuple[str, str]:
            row = desk.send("CHANNELS").rows("CHANNELS/CHANNEL")[1]
            return row["STATE"], row["PLAYBACKEXTENSION"]

        def until(state: str, seconds: float) -> None:
            until_s = time.monotonic() + seconds
            while channel()[0] != state:
                assert time.monotonic() < until_s, channel()
                time.sleep(0.05)

        desk.send("EXTENSIONPLAYBACKSTART", DEVICE="7001", UNIQUEFIELD="user1", UNIQUEID="to be heard", BARGECODE="*9")
        until("Playback", 3)
        assert channel() == ("Playback", "7001")
        assert desk.client.request({"TYPE": "EXTENSIONPLAYBACKSTART", "DEVICE": "1", "FILENAME": str(path)}).code == 3
        until("Idle", 10)  # three seconds long

        desk.send("EXTENSIONPLAYBACKSTART", DEVICE="7002", FILENAME=str(path))
        until("Playback", 3)
        assert desk.send("EXTENSIONPLAYBACKSTOP", DEVICE="7002").code == OK
        assert channel() == ("Idle", "")

        desk.send("EXTENSIONPLAYBACKSTART", DEVICE="0", FILENAME=str(path))  # does not answer
        until("Idle", 3)
        missing = str(path.with_name("none.wav"))
        assert desk.client.request({"TYPE": "EXTENSIONPLAYBACKSTART", "DEVICE": "1", "FILENAME": missing}).code == 41
        assert not list((box.data_dir / "playback").glob("*"))


def test_a_call_is_heard_by_dialling_a_number(make_box: Boxes) -> None:
    box = make_box([{"name": "lines", "kind": "virtual", "lines": 1}])
    with Desk(box) as desk:
        desk.start("5501", DIALTOMONITOR="87,,5501#")
        assert desk.send("CHANNELS").rows("CHANNELS/CHANNEL")[0]["STATE"] == "Recording"
        time.sleep(1)
        record = check_record(desk.stop("5501"))
        assert record["fields"]["dial_to_monitor"] == "87,,5501#"
        assert record["duration_s"] > 0.8

        desk.send("CALLSTART", DEVICEID="5502", DIALTOMONITOR="087")  # does not answer
        told = desk.log.wait("RECORDINGSTARTED", "5502")
        assert told.data["ERRORREASON"] == "API_ERROR_RECORDER_NOT_RUNNING"
        desk.send("CALLSTOP", DEVICEID="5502")
        assert desk.start("5503", DIALTOMONITOR="88").data["ERRORREASON"] == "NONE"
        desk.stop("5503")
