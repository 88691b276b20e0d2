"""Every sample request that clients were written from has its golden pair: the same elements in the same order.

The misprints of those samples are kept in the pairs, since clients copied them; here they are guarded against tidying.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

GOLDEN = Path(__file__).parent
SHAPES = {
    "wire/test": "TYPE REQUESTID",
    "wire/callstart": "TYPE REQUESTID DEVICEID DEVICEALIAS GROUP GATE ANI DNIS USER1 USER2",
    "wire/callstop": "TYPE REQUESTID DEVICEID",
    "wire/callupdate_live": "TYPE REQUESTID DEVICEID USER3",
    "wire/callupdate_last": "TYPE REQUESTID DEVICEID USER3 UPDATE_IF_NOT_RECORDING",
    "wire/callupdate_record": "TYPE REQUESTID RECORDID USER4",
    "wire/devicelist_in_request": "TYPE REQUESTID",
    "wire/devicestatus": "TYPE DEVICEALIAS REQUESTID",
    "wire/systemstatus": "TYPE REQUESTID",
    "wire/channels": "TYPE REQUESTID",
    "registry/09_stations": "TYPE REQUESTID",
    "registry/22_fetchterminology": "TYPE REQUESTID",
    "wire/chatstart": "REQUESTID TYPE SESSIONID KEYNAME KEYVALUE",
    "wire/chatstop": "REQUESTID TYPE SESSIONID",
    "wire/chatupdate": "REQUESTID TYPE SESSIONID GROUP",
    "wire/blackoutstart_by_user": "REQUESTID TYPE SYS_USER TIMEOFFSET",
    "wire/blackoutstop_by_user": "REQUESTID TYPE SYS_USER",
    "wire/extensionplaybackstart": "TYPE REQUESTID CRM_USER UNIQUEFIELD UNIQUEID",
    "wire/extensionplaybackstop": "TYPE REQUESTID CRM_USER",
    "registry/01_importagent_add": (
        "TYPE REQUESTID ACTION FIRSTNAME LASTNAME SYSUSERNAME STATUS DOMAIN EMAIL EMPLOYEEID"
    ),
    "registry/06_importagent_list": "TYPE REQUESTID ACTION",
    "registry/04_importagentphone": "TYPE REQUESTID ACTION PHONEID AGENTID FIRSTNAME LASTNAME",
    "registry/07_importstation": "TYPE REQUESTID DEVICEID STATIONNAME",
    "registry/10_addgroup": "TYPE REQUESTID GROUPNAME",
    "registry/12_modifygrouppermission": "TYPE REQUESTID ACTION GROUPNAME FIRSTNAME LASTNAME DEVICEID",
    "registry/15_modifyusergroupepermission": "TYPE REQUESTID ACTION GROUPNAME USERNAME",
    "wire/email": "TYPE REQUESTID TOADDRESS MEDIA_FORMAT UNIQUEID UNIQUEFIELD",
    "registry/19_agentwindow": "TYPE REQUESTID COMPUTERNAME USERNAME",
}
URLS = {
    "wire/web_page_alone": "",
    "wire/web_callupdate": "type requestid deviceid user1 user2 keepdays",
    "wire/web_export": "type requestid uniquefield uniqueid media_format",
}
MISPRINTS = {
    "wire/extensionplaybackstart": "</CRM_USER >",
    "wire/extensionplaybackstop": "</CRM_USER >",
    "registry/01_importagent_add": "\n><FIRSTNAME>",
    "registry/04_importagentphone": "<AGENTID>0</AGENTID>",
    "registry/10_addgroup": "</TYPE>  <REQUESTID>",
    "registry/12_modifygrouppermission": "s & R",
    "registry/15_modifyusergroupepermission": "<TYPE>MODIFYUSERGROUPEPERMISSION</TYPE>",
    "registry/16_modifyusergrouppermission_nobody": "<GROUPEID>",
    "wire/devicestatus": "<REQUEST>  \n<TYPE>DEVICESTATUS</TYPE>\n\n<DEVICEALIAS>",
    "wire/blackoutstart_by_user": "</REQUESTID>\n\n<TYPE>",
}
EVENTS = {"callstart", "callstop", "recordingstarted", "recordingstopped", "recordingupdate"}


@pytest.mark.parametrize("name", SHAPES)
def test_request_has_the_elements_of_the_sample_in_its_order(name: str) -> None:
    request = (GOLDEN / f"{name}.request").read_text()
    assert re.findall(r"<(\w+)>", request.removeprefix("<REQUEST>")) == SHAPES[name].split()


@pytest.mark.parametrize("name", URLS)
def test_url_has_the_parameters_of_the_sample_in_its_order(name: str) -> None:
    method, _, target = (GOLDEN / f"{name}.request").read_text().strip().partition(" ")
    path, _, query = target.partition("?")
    assert (method, path) == ("GET", "/webAPI.aspx")
    assert [key for key, _ in parse_qsl(query)] == URLS[name].split()


@pytest.mark.parametrize("name", MISPRINTS)
def test_misprint_is_kept(name: str) -> None:
    assert MISPRINTS[name] in (GOLDEN / f"{name}.request").read_text()


def test_every_request_has_an_answer_and_every_event_is_there() -> None:
    requests = {file.with_suffix("") for file in GOLDEN.rglob("*.request")}
    assert requests == {file.with_suffix("") for file in GOLDEN.rglob("*.answer")}
    assert {file.stem for file in GOLDEN.rglob("*.event")} == EVENTS
