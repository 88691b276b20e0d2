"""STARTRECORDING, STARTRECORDINGAUTO and STOPRECORDING, from the port to the file."""

from __future__ import annotations

import time
from pathlib import Path

from hil.child_box import ChildBox
from tests.e2e.conftest import Boxes
from tests.e2e.desk import Desk, check_record, read_legs

RATE = 8000
SCHEDULES = (
    {"name": "asked", "kind": "api_initiated", "match": {"group": "Claims"}, "keep_days": 7},
    {"name": "long", "min_record_time_s": 60, "match": {"group": "Long"}},
)
FILTERS = [{"group": "Legal*"}]


def box_of(make_box: Boxes) -> ChildBox:
    taps = [{"name": "lines", "kind": "virtual", "lines": 2}]
    return make_box(taps, schedules=SCHEDULES, recording={"filters": FILTERS})


def test_recordings_on_order(make_box: Boxes) -> None:
    with Desk(box_of(make_box)) as desk:

        def ask(kind: str, **values: str) -> tuple[int, str]:
            answer = desk.client.request({"TYPE": kind, "DEVICEID": "5301", **values})
            return answer.code, answer.label

        assert ask("STOPRECORDING") == (12, "API_DEVICE_NOT_RECORDING")
        assert ask("STARTRECORDING", DEVICEID="") == (5, "API_DEVICE_ALIAS_UNSPECIFIED")
        assert ask("STARTRECORDINGAUTO") == (7, "API_DEVICE_NOT_IN_CALL")
        desk.send("CALLSTART", DEVICEID="5301")
        assert ask("STARTRECORDINGAUTO") == (9, "API_DID_NOT_MATCH_A_SCHEDULE")
        assert ask("STARTRECORDINGAUTO", GROUP="Legal 1") == (35, "API_ERROR_BLOCKED_RECORDING_FILTER")
        assert ask("STARTRECORDINGAUTO", GROUP="Claims") == (0, "API_RECORDING_STARTED")
        assert ask("STARTRECORDING") == (1, "API_ERROR_ALREADY_RECORDING")
        time.sleep(1)
        assert ask("STOPRECORDING") == (13, "API_RECORDING_STOPPED")
        path = desk.saved("5301")
        record = check_record(path)
        assert (record["schedule"], record["keep_days"], record["recording_type"]) == ("asked", 7, "API Initiated")
        assert len(read_legs(path)) > 0.8 * RATE
        assert ask("STARTRECORDING", USER1="again") == (0, "API_RECORDING_STARTED")
        time.sleep(1)
        again = desk.stop("5301")
        assert check_record(again)["fields"]["user1"] == "again"

        assert ask("STARTRECORDING", DEVICEID="5302") == (0, "API_RECORDING_STARTED")
        assert ask("STARTRECORDING", DEVICEID="5303") == (0, "API_RECORDING_STARTED")
        assert ask("STARTRECORDING", DEVICEID="5304") == (3, "API_ERROR_NO_FREE_CHANNELS")
        assert ask("STOPRECORDING", DEVICEID="5302") == (13, "API_RECORDING_STOPPED")
        desk.saved("5302")
        assert desk.log.kinds_of("5302") == ["RECORDINGSTARTED", "RECORDINGSTOPPED", "RECORDINGUPDATE"]


def left_of_it(box: ChildBox) -> list[Path]:
    """What of the recording is on the disk, or in memory, which the writer clears last."""
    return [*box.recording_path.rglob("5305/*"), *(box.run_dir / "spool").rglob("orders.jsonl")]


def test_a_recording_that_is_too_short_leaves_nothing(make_box: Boxes) -> None:
    box = box_of(make_box)
    with Desk(box) as desk:
        desk.start("5305", GROUP="Long")
        time.sleep(3)
        desk.send("CALLSTOP", DEVICEID="5305")
        desk.log.wait("RECORDINGSTOPPED", "5305")
        deadline_s = time.monotonic() + 10
        while left_of_it(box) and time.monotonic() < deadline_s:
            time.sleep(0.1)
        assert not left_of_it(box)
        assert "RECORDINGUPDATE" not in desk.log.kinds_of("5305")
