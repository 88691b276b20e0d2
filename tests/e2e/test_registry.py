"""Agents of a real box: told by the command line, seen in events and records, kept over a restart, and audited."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys

from hil.child_box import ChildBox
from tests.e2e.desk import Desk, check_record


def linetap(box: ChildBox, *arguments: str) -> str:
    command = [sys.executable, "-m", "appliance.cli", *arguments, "--port", str(box.api_port)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def test_calls_carry_their_agent_and_a_restart_forgets_nobody(box: ChildBox) -> None:
    agent = json.loads(linetap(box, "agent", "add", "Mara", "Reed", "--user", "mreed", "--json"))["AGENTID"]
    linetap(box, "agent", "assign", agent, "DESK5")
    with Desk(box) as desk:
        desk.start("5551", DEVICEALIAS="desk5")
        path = desk.stop("5551")
        assert [event.data.get("AGENTID") for event in desk.log.of("5551")[:2]] == [agent, agent]
        assert check_record(path)["fields"]["agent_id"] == agent
    before = linetap(box, "agent", "list", "--json")
    box.restart()
    assert linetap(box, "agent", "list", "--json") == before
    with Desk(box) as desk:
        desk.send("CALLSTART", DEVICEID="5552", SYS_USER="mreed", DEVICEALIAS="DESK5")
        assert desk.log.wait("CALLSTART", "5552").data["AGENTID"] == agent
        linetap(box, "agent", "remove", agent)
        desk.send("CALLSTART", DEVICEID="5553", DEVICEALIAS="DESK5")
        assert desk.log.wait("CALLSTART", "5553").data["AGENTID"] == ""
    box.stop()
    with sqlite3.connect(f"file:{box.data_dir}/linetap.db?mode=ro", uri=True) as database:
        found = database.execute("select what, port, peer from audit order by audit_id").fetchall()
    database.close()
    assert [what for what, _, _ in found] == ["IMPORTAGENT ADD", "IMPORTAGENTPHONE ADD", "IMPORTAGENT DELETE"]
    assert {port for _, port, _ in found} == {"commands"}
    assert all("127.0.0.1" in peer for _, _, peer in found)
