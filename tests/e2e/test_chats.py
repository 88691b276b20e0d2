"""CHATSTART to CHATSTOP, modes and CALLLIST, at a whole box."""

from __future__ import annotations

import time

from tests.e2e.conftest import Boxes
from tests.e2e.desk import Desk


def test_a_chat_is_listed_and_becomes_a_record(make_box: Boxes) -> None:
    box = make_box([{"name": "line", "kind": "virtual", "lines": 1}], api={"device_modes": True})
    with Desk(box) as desk:
        desk.send("IMPORTAGENT", ACTION="ADD", FIRSTNAME="Ann", LASTNAME="Lee", SYSUSERNAME="alee")
        desk.send("IMPORTAGENTPHONE", ACTION="ADD", FIRSTNAME="Ann", LASTNAME="Lee", PHONEID="3545")
        answer = desk.send("CHATSTART", SESSIONID="w-1", KEYNAME="USERNAME", KEYVALUE="ALEE")
        assert answer.message == "CHATSTART sent to all of the following cores: 1"
        desk.send("MODECHANGE", DEVICEID="3545", MODE="MODE_BREAK")
        desk.send("CHATUPDATE", SESSIONID="w-1", USER2="chat 1")
        (device,) = desk.send("CALLLIST").rows("DEVICES/DEVICE")
        assert (device["DEVICEID"], device["SESSIONID"], device["ISRECORDINGVIDEO"]) == ("3545", "w-1", "N")
        assert (device["MODE"], device["MODESTR"]) == ("7", "MODE_BREAK")
        time.sleep(1)
        desk.send("CHATSTOP", SESSIONID="w-1")
        desk.log.wait("RECORDINGUPDATE", "3545")
        assert desk.send("CALLLIST").rows("DEVICES/DEVICE") == []
        record_id = desk.log.wait("RECORDINGUPDATE", "3545").data["RECORDID"]
        desk.send("CALLUPDATE", RECORDID=record_id, USER3="found")
        body, kind = box.web(type="export", requestid=1, uniquefield="sessionid", uniqueid="w-1", media_format="wav")
        assert kind.startswith("text/xml")
        assert b"<RESULTCODE>41</RESULTCODE>" in body
