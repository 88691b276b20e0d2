"""Schedules that are changed while the box runs."""

from __future__ import annotations

import subprocess
import sys
import time

from hil.child_box import ROOT, ChildBox
from tests.e2e.conftest import Boxes
from tests.e2e.desk import Desk, check_record


def linetap(box: ChildBox, *arguments: str) -> None:
    command = [sys.executable, "-m", "appliance.cli", "schedule", *arguments, "--config", str(box.settings_path)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)


def test_a_schedule_that_is_added_counts_soon_and_after_a_restart(make_box: Boxes) -> None:
    box = make_box([{"name": "lines", "kind": "virtual", "lines": 2}], schedules=())
    with Desk(box) as desk:
        linetap(box, "add", "one a day", "kind=set_number", "count=2", "keep_days=3", "match.group=Sales*")
        time.sleep(3)  # a running box looks every two seconds
        desk.start("5401", GROUP="Sales 1")
        linetap(box, "edit", "one a day", "keep_days=99", "priority=90")
        time.sleep(3)
        record = check_record(desk.stop("5401"))
        assert (record["schedule"], record["recording_type"]) == ("one a day", "Set Number")
        assert (record["keep_days"], record["priority"]) == (3, 50)
    box.restart()
    with Desk(box) as desk:
        desk.start("5402", GROUP="Sales 2")
        assert check_record(desk.stop("5402"))["keep_days"] == 99
        desk.send("CALLSTART", DEVICEID="5403", GROUP="Sales 3")
        desk.log.wait("CALLSTART", "5403")
        time.sleep(1)
        desk.send("CALLSTOP", DEVICEID="5403")
        desk.log.wait("CALLSTOP", "5403")
        assert desk.log.kinds_of("5403") == ["CALLSTART", "CALLSTOP"]
