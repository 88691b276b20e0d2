"""What a box knows outlives a restart and kill -9; its numbers are never given twice."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

from hil.child_box import ChildBox
from tests.e2e.conftest import Boxes
from tests.e2e.desk import Desk

LISTS: tuple[tuple[str, dict[str, str]], ...] = (
    ("IMPORTAGENT", {"ACTION": "LIST"}),
    ("IMPORTUSER", {"ACTION": "LIST"}),
    ("IMPORTGROUP", {"ACTION": "LIST"}),
    ("STATIONS", {}),
    ("FETCHTERMINOLOGY", {}),
)


def know(desk: Desk) -> None:
    """Tell the box of somebody of each kind."""
    name = {"FIRSTNAME": "Mara", "LASTNAME": "Reed"}
    desk.send("IMPORTAGENT", ACTION="ADD", **name, SYSUSERNAME="mreed", EMPLOYEEID="E1")
    desk.send("IMPORTAGENTPHONE", ACTION="ADD", **name, PHONEID="P1")
    desk.send("IMPORTSTATION", DEVICEID="5001", STATIONNAME="PC-1")
    desk.send("ADDGROUP", GROUPNAME="Sales & Service")
    desk.send("MODIFYGROUPPERMISSION", ACTION="ADD", GROUPNAME="Sales & Service", **name, PHONEID="P1")
    desk.send("IMPORTUSER", ACTION="ADD", USERNAME="ines", FIRSTNAME="Ines")
    desk.send("MODIFYUSERGROUPPERMISSION", ACTION="ADD", GROUPNAME="Sales & Service", USERNAME="ines")
    desk.send("IMPORTTERMINOLOGY", ACTION="MODIFY", NAME="user1", VALUE="Order")


def known(box: ChildBox) -> dict[str, Any]:
    """What the box says of all of them, octet for octet but for REQUESTID, and its schedules."""
    with box.client() as client:
        found: dict[str, Any] = {}
        for kind, values in LISTS:
            root = client.request({"TYPE": kind, "REQUESTID": 1, **values}).root
            found[kind] = [(one.tag, one.text) for one in root.iter()]
    found["schedules"] = schedule(box, "list", "--json")
    return found


def schedule(box: ChildBox, *arguments: str) -> str:
    """Use the command line on the box's machine."""
    command = [sys.executable, "-m", "appliance.cli", "schedule", *arguments, "--config", str(box.settings_path)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


class Numbers:
    """Every number that the box gave."""

    def __init__(self) -> None:
        self.records: list[int] = []
        self.calls: list[str] = []

    def take(self, desk: Desk, device: str) -> None:
        """Have a call recorded, and take its numbers."""
        desk.start(device, DEVICEALIAS="P1", USER2=f"record {len(self.records)}")
        time.sleep(0.4)
        desk.stop(device)
        saved = [event for event in desk.log.of(device) if event.event_type == "RECORDINGUPDATE"][-1]
        self.records.append(int(saved.data["RECORDID"]))
        self.calls.append(saved.data["GLOBALCALLID"])

    def check(self) -> None:
        """None was given twice, and they rise."""
        assert self.records == sorted(set(self.records))
        assert self.calls == sorted(set(self.calls))


def test_all_is_known_after_a_restart_and_a_kill_and_no_number_comes_twice(make_box: Boxes) -> None:
    box = make_box([{"name": "lines", "kind": "virtual", "lines": 2}], recording={"holdback_s": 0})
    numbers = Numbers()
    with Desk(box) as desk:
        know(desk)
        schedule(box, "add", "sales", "percent=40", "match.group=Sales*")
        numbers.take(desk, "5001")
    before = known(box)
    assert "Sales & Service" in str(before["IMPORTGROUP"])
    assert "sales" in before["schedules"]
    for end in ("restart", "kill", "kill", "restart"):
        if end == "restart":
            box.restart()
        else:
            with Desk(box) as desk:
                desk.start("5009", DEVICEALIAS="P1")  # its number is given, and no row has it
                box.kill()
            box.wait_gone()
            box.start()
        assert known(box) == before, end
        with Desk(box) as desk:
            for count in range(len(numbers.records)):
                samples, _ = desk.export("user2", f"record {count}")
                assert len(samples) > 0
            numbers.take(desk, "5001")
            events = [event for event in desk.log.of("5001") if event.event_class == "CALL"]
            assert events[0].data["AGENTID"] == "1"
        numbers.check()
