"""Files of cases: those shipped, and those that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.conform import SHIPPED, Case, CaseFileError, read_cases

TYPES = """
ADDGROUP AGENTWINDOW BLACKOUTSTART BLACKOUTSTOP CALLLIST CALLSTART CALLSTOP CALLUPDATE CHANNELS CHATSTART CHATSTOP
CHATUPDATE DEVICELIST DEVICESTATUS EMAIL EVENTS EXPORT EXTENSIONPLAYBACKSTART EXTENSIONPLAYBACKSTOP FETCHTERMINOLOGY
IMPORTAGENT IMPORTAGENTPHONE IMPORTGROUP IMPORTSTATION IMPORTTERMINOLOGY IMPORTUSER MODECHANGE MODIFYGROUPPERMISSION
MODIFYUSERGROUPPERMISSION MODIFYUSERGROUPEPERMISSION STARTRECORDING STARTRECORDINGAUTO STATIONS STOPRECORDING
SYSTEMSTATUS TEST
"""
GOOD = '[[case]]\nname = "one"\nsays = "it answers"\n[[case.step]]\nask = { TYPE = "test", REQUESTID = 7 }\n'


RAW = '[[case]]\nname = "raw"\nsays = "-"\n[[case.step]]\nsend = "<TEST/>"\n'


def read(folder: Path, text: str) -> list[Case]:
    (folder / "own.toml").write_text(text)
    return read_cases([folder])


def test_the_shipped_cases_cover_every_message_of_the_contract() -> None:
    asked = {
        word.upper()
        for case in read_cases([SHIPPED])
        for step in (*case.steps, *case.undo)
        for word in ((step.ask or {}).get("TYPE", ""), step.target.partition("type=")[2].partition("&")[0])
    }
    assert asked.issuperset(TYPES.split())


def test_whatever_a_shipped_case_begins_or_adds_it_ends_or_takes_away() -> None:
    makers = {"CALLSTART", "STARTRECORDING", "CHATSTART", "ADDGROUP"}
    for case in read_cases([SHIPPED]):
        made = any(
            step.ask
            and (step.ask.get("TYPE") in makers or step.ask.get("ACTION", "").upper() == "ADD")
            and "<RESULTCODE>20<" in step.answer
            for step in case.steps
        )
        assert case.undo or not made, case.name


def test_the_short_form_of_an_answer_is_a_whole_document(tmp_path: Path) -> None:
    (case,) = read(tmp_path, GOOD + 'answer = "24 API_AGENT_NOT_FOUND: no <agent>"\nbody = "<X></X>"\n')
    assert (case.group, case.name, case.overs) == ("own", "one", ("tcp", "http"))
    assert case.steps[0].answer == (
        "<RESULT>\n<REQUESTTYPE>TEST</REQUESTTYPE>\n<REQUESTID>7</REQUESTID>\n"
        "<RESULTTYPE>API_AGENT_NOT_FOUND</RESULTTYPE>\n<RESULTCODE>24</RESULTCODE>\n"
        "<RESULTMSG>no &lt;agent&gt;</RESULTMSG>\n<X></X>\n</RESULT>\n"
    )


def test_what_is_sent_as_it_stands_goes_over_its_transport_alone(tmp_path: Path) -> None:
    web = '[[case]]\nname = "three"\nsays = "-"\n[[case.step]]\nget = "/x"\n'
    assert [case.overs for case in read(tmp_path, RAW + web)] == [("tcp",), ("http",)]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[[case]\n", "own.toml"),
        (GOOD.replace("says", "tells"), "tells"),
        (GOOD + 'answer = "okay"\n', "case.0.step.0.answer"),
        (GOOD + 'send = "<TEST/>"\n', "sends by one of"),
        (GOOD + 'answer = "20 API_OK: {agent}"\n', "nothing before gives agent"),
        (GOOD + 'answer = "20 API_OK: {colour:agent}"\n', "no such kind of value: colour"),
        (GOOD + GOOD, "two of that name"),
        (RAW.replace("<TEST/>", "\u0416") + 'encoding = "cp1252"\n', "cannot be sent as cp1252"),
        (RAW.replace("send", "get"), "no target of HTTP"),
        (RAW + 'answer = "20 API_OK"\n', "echo"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(CaseFileError, match=fault):
        read(tmp_path, text)


def test_a_folder_without_cases_is_told(tmp_path: Path) -> None:
    with pytest.raises(CaseFileError, match="no files of cases"):
        read_cases([tmp_path / "none"])
