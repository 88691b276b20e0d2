"""What the messages about agents, phones, stations, groups, users, terms and desktops refuse, do, and note."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any, cast

import pytest

from appliance.bus.commands import Services
from appliance.errors import DatabaseError
from appliance.messages.dispatch import dispatch
from appliance.messages.origin import Origin, Port
from appliance.messages.result import Result
from appliance.messages.sample_registry import SampleAudit, SampleStations
from appliance.messages.samples import sample_services
from appliance.messages.wire_text import short_time
from appliance.settings.models import ApiSettings

NAMES = {"FIRSTNAME": "Mara", "LASTNAME": "Reed"}
AGENT = {"AGENTID": "7"}
GROUP = {"GROUPID": "3"}
NO_DEVICE = "Could not find a device matching given parameters"


async def ask(kind: str, values: dict[str, str], services: Services | None = None) -> Result:
    asked = {"TYPE": kind, "REQUESTID": "9"} | values
    return await dispatch(asked, services or sample_services(), Origin(Port.COMMANDS, "192.0.2.7:1"))


def noted(services: Services) -> list[tuple[str, Any, Any]]:
    return cast("SampleAudit", services.audit).noted


@pytest.mark.parametrize(
    ("kind", "values", "code"),
    [
        ("IMPORTAGENT", {}, 26),
        ("IMPORTAGENT", {"ACTION": "FLY"}, 21),
        ("IMPORTAGENT", {"ACTION": "ADD", "FIRSTNAME": "Tom"}, 26),
        ("IMPORTAGENT", {"ACTION": "ADD", "FIRSTNAME": " ".strip(), "LASTNAME": "Baker"}, 26),
        ("IMPORTAGENT", {"ACTION": "ADD", "FIRSTNAME": "T" * 21, "LASTNAME": "Baker"}, 11),
        ("IMPORTAGENT", {"ACTION": "ADD", "FIRSTNAME": "T" * 20, "LASTNAME": "B" * 30}, 20),
        ("IMPORTAGENT", {"ACTION": "ADD", "AGENTID": "x", "FIRSTNAME": "Tom", "LASTNAME": "Baker"}, 20),
        ("IMPORTAGENT", {"ACTION": "ADD", "FIRSTNAME": "Tom", "LASTNAME": "Baker", "STATUS": "D"}, 11),
        ("IMPORTAGENT", {"ACTION": "ADD", "FIRSTNAME": "mara", "LASTNAME": "REED"}, 22),
        ("IMPORTAGENT", {"ACTION": "ADD", "ALLOWDUPLICATE": "y", **NAMES}, 20),
        ("IMPORTAGENT", {"ACTION": "MODIFY", **NAMES}, 26),
        ("IMPORTAGENT", {"ACTION": "MODIFY", "AGENTID": "0"}, 26),
        ("IMPORTAGENT", {"ACTION": "MODIFY", "AGENTID": "x"}, 11),
        ("IMPORTAGENT", {"ACTION": "MODIFY", "AGENTID": "-7"}, 24),
        ("IMPORTAGENT", {"ACTION": "MODIFY", "AGENTID": "2147483648"}, 11),
        ("IMPORTAGENT", {"ACTION": "DELETE", "AGENTID": "8"}, 24),
        ("IMPORTAGENT", {"ACTION": "LIST", "AGENTID": "x", "STATUS": "?"}, 20),
        ("IMPORTAGENTPHONE", {"ACTION": "ADD", **AGENT}, 26),
        ("IMPORTAGENTPHONE", {"ACTION": "ADD", "PHONEID": "1", "FIRSTNAME": "Mara"}, 26),
        ("IMPORTAGENTPHONE", {"ACTION": "LIST", "PHONEID": "1", **AGENT}, 21),
        ("IMPORTAGENTPHONE", {"ACTION": "ADD", "PHONEID": "1" * 65, **AGENT}, 11),
        ("IMPORTAGENTPHONE", {"ACTION": "ADD", "PHONEID": "1", "FIRSTNAME": "M" * 21, "LASTNAME": "x"}, 24),
        ("IMPORTAGENTPHONE", {"ACTION": "ADD", "PHONEID": "1", "FIRSTNAME": "M" * 21, "LASTNAME": "x", **AGENT}, 20),
        ("IMPORTAGENTPHONE", {"ACTION": "ADD", "PHONEID": "1", "AGENTID": "8", **NAMES}, 24),
        ("IMPORTAGENTPHONE", {"ACTION": "ADD", "PHONEID": "1", "AGENTID": "00", **NAMES}, 20),
        ("IMPORTAGENTPHONE", {"ACTION": "DELETE", "PHONEID": "nobody's", **AGENT}, 20),
        ("IMPORTSTATION", {"DEVICEID": "5561"}, 26),
        ("IMPORTSTATION", {"STATIONNAME": "X"}, 26),
        ("IMPORTSTATION", {"DEVICEID": "5561", "STATION": "X" * 51}, 11),
        ("IMPORTSTATION", {"DEVICEID": "5561", "STATION": "X", "ACTION": "FLY"}, 21),
        ("IMPORTSTATION", {"ACTION": "DELETE"}, 26),
        ("IMPORTSTATION", {"ACTION": "DELETE", "STATIONNAME": "NONE"}, 31),
        ("IMPORTSTATION", {"ACTION": "DELETE", "DEVICEID": "5551"}, 20),
        ("ADDGROUP", {"GROUPNAME": ""}, 26),
        ("ADDGROUP", {"GROUPNAME": "g" * 256}, 11),
        ("ADDGROUP", {"GROUP": "g"}, 20),
        ("MODIFYGROUPPERMISSION", {"ACTION": "ADD", "DEVICEID": "5551", **AGENT}, 26),
        ("MODIFYGROUPPERMISSION", {"ACTION": "ADD", "GROUPID": "0", "DEVICEID": "5551", **AGENT}, 26),
        ("MODIFYGROUPPERMISSION", {"ACTION": "ADD", **GROUP, **AGENT}, 26),
        ("MODIFYGROUPPERMISSION", {"ACTION": "ADD", "DEVICEID": "5551", **GROUP}, 26),
        ("MODIFYGROUPPERMISSION", {"ACTION": "ADD", "DEVICEID": "5551", "AGENTID": "0", **GROUP}, 26),
        ("MODIFYGROUPPERMISSION", {"ACTION": "SET", "DEVICEID": "5551", **GROUP, **AGENT}, 21),
        ("MODIFYGROUPPERMISSION", {"ACTION": "ADD", "DEVICEID": "5551", "GROUPNAME": "none", **GROUP, **AGENT}, 27),
        ("MODIFYGROUPPERMISSION", {"ACTION": "ADD", "DEVICEID": "5551", "GROUPNAME": "g" * 256, **AGENT}, 27),
        ("MODIFYGROUPPERMISSION", {"ACTION": "ADD", "DEVICEID": "9", "GROUPID": "8", "AGENTID": "9"}, 27),
        ("MODIFYGROUPPERMISSION", {"ACTION": "ADD", "DEVICEID": "9", "AGENTID": "9", **GROUP}, 24),
        ("MODIFYGROUPPERMISSION", {"ACTION": "ADD", "DEVICEID": "9", **GROUP, **AGENT}, 8),
        ("MODIFYGROUPPERMISSION", {"ACTION": "ADD", "DEVICEID": "9" * 65, **GROUP, **AGENT}, 8),
        ("MODIFYUSERGROUPPERMISSION", {"ACTION": "ADD", **GROUP}, 26),
        ("MODIFYUSERGROUPPERMISSION", {"ACTION": "ADD", "USERNAME": "reviewer"}, 26),
        ("MODIFYUSERGROUPPERMISSION", {"ACTION": "ADD", "USERNAME": "nobody", "GROUPID": "9"}, 27),
        ("MODIFYUSERGROUPPERMISSION", {"ACTION": "ADD", "USERNAME": "nobody", **GROUP}, 28),
        ("MODIFYUSERGROUPPERMISSION", {"ACTION": "ADD", "USERNAME": "u" * 65, **GROUP}, 28),
        ("MODIFYUSERGROUPPERMISSION", {"ACTION": "PUT", "USERNAME": "reviewer", **GROUP}, 21),
        ("MODIFYUSERGROUPEPERMISSION", {"ACTION": "MODIFY", "USERNAME": "Reviewer", "GROUPEID": "3"}, 20),
        ("IMPORTUSER", {"ACTION": "ADD"}, 26),
        ("IMPORTUSER", {"ACTION": "ADD", "USERNAME": "REVIEWER"}, 22),
        ("IMPORTUSER", {"ACTION": "ADD", "USERNAME": "new", "AGENTID": "9"}, 24),
        ("IMPORTUSER", {"ACTION": "MODIFY", "EMAIL": "x"}, 26),
        ("IMPORTUSER", {"ACTION": "DELETE", "USERID": "9"}, 28),
        ("IMPORTGROUP", {"ACTION": "MODIFY", **GROUP}, 26),
        ("IMPORTGROUP", {"ACTION": "DELETE", "GROUPNAME": "none"}, 27),
        ("IMPORTGROUP", {"ACTION": "ADD", "GROUPNAME": "g"}, 21),
        ("IMPORTTERMINOLOGY", {"ACTION": "ADD", "NAME": "ANI", "VALUE": "x"}, 22),
        ("IMPORTTERMINOLOGY", {"ACTION": "MODIFY", "NAME": "none", "VALUE": "x"}, 11),
        ("IMPORTTERMINOLOGY", {"ACTION": "MODIFY", "NAME": "ani", "VALUE": ""}, 26),
        ("IMPORTTERMINOLOGY", {"ACTION": "DELETE", "NAME": "ani"}, 11),
        ("AGENTWINDOW", {}, 26),
        ("AGENTWINDOW", {"USERNAME": "nobody"}, 31),
        ("AGENTWINDOW", {"USERNAME": "mreed", "COMPUTERNAME": "elsewhere"}, 31),
        ("AGENTWINDOW", {"COMPUTERNAME": "c" * 51}, 31),
        ("AGENTWINDOW", {"SYS_USER": "MREED"}, 20),
    ],
)
async def test_what_is_refused_and_by_which_code(kind: str, values: dict[str, str], code: int) -> None:
    services = sample_services()
    result = await ask(kind, values, services)
    assert result.code == code, result
    if code != 20:
        assert not noted(services)


async def test_adding_an_agent_again_gives_the_one_that_is_there() -> None:
    services = sample_services(ApiSettings(error_resulttype="ERROR"))
    result = await ask("IMPORTAGENT", {"ACTION": "ADD", "EMAIL": "other@example.com", **NAMES}, services)
    assert (result.code, result.result_type, result.body) == (22, "ERROR", (("AGENTID", "7"),))
    (agent,) = await services.registry.agents.all()
    assert agent.email == "mreed@example.com"
    assert not noted(services)


async def test_modify_changes_what_is_passed_and_clears_what_is_blank() -> None:
    services = sample_services()
    values = {"ACTION": "MODIFY", "EMAIL": "", "FIRSTNAME": "", "STATUS": "", "SYS_DOMAIN": "NEW", **AGENT}
    assert (await ask("IMPORTAGENT", values, services)).body == (("AGENTID", "7"),)
    (agent,) = await services.registry.agents.all()
    assert (agent.email, agent.first_name, agent.status, agent.sys_domain, agent.crm_user) == (
        *("", "Mara", "A", "NEW", "mara"),
    )
    ((what, before, after),) = noted(services)
    assert (what, before["email"], after["email"]) == ("IMPORTAGENT MODIFY", "mreed@example.com", "")


async def test_an_agent_does_not_take_the_name_of_another() -> None:
    services = sample_services()
    await ask("IMPORTAGENT", {"ACTION": "ADD", "FIRSTNAME": "Tom", "LASTNAME": "Baker"}, services)
    rename = {"ACTION": "MODIFY", "AGENTID": "8", "FIRSTNAME": "MARA", "LASTNAME": "Reed"}
    refused = await ask("IMPORTAGENT", rename, services)
    assert (refused.code, refused.body) == (22, (("AGENTID", "7"),))
    assert (await ask("IMPORTAGENT", rename | {"ALLOWDUPLICATE": "Y"}, services)).code == 20
    assert (await ask("IMPORTAGENT", {"ACTION": "MODIFY", **AGENT, "LASTNAME": "REED"}, services)).code == 22


async def test_a_deleted_agent_is_known_and_not_active() -> None:
    services = sample_services()
    assert (await ask("IMPORTAGENT", {"ACTION": "DELETE", **AGENT}, services)).code == 20
    for action in ("DELETE", "MODIFY"):
        assert (await ask("IMPORTAGENT", {"ACTION": action, **AGENT}, services)).code == 25
    listed = await ask("IMPORTAGENT", {"ACTION": "LIST"}, services)
    assert listed.body == (("AGENTS", (("COUNT", "0"),)),)
    assert (await ask("IMPORTAGENTPHONE", {"ACTION": "ADD", "PHONEID": "1", **NAMES}, services)).code == 24
    ((_, _, after),) = noted(services)
    assert (after["status"], after["phones"]) == ("D", [])


async def test_a_phone_is_given_once_and_noted_once() -> None:
    services = sample_services()
    await ask("IMPORTAGENT", {"ACTION": "ADD", "FIRSTNAME": "Tom", "LASTNAME": "Baker"}, services)
    noted(services).clear()
    give = {"ACTION": "ADD", "PHONEID": "5580", **AGENT}
    assert [(await ask("IMPORTAGENTPHONE", give, services)).code for _ in range(2)] == [20, 20]
    assert (await ask("IMPORTAGENTPHONE", give | {"AGENTID": "8"}, services)).code == 22
    take = {"ACTION": "DELETE", "PHONEID": "5580", **NAMES}
    assert [(await ask("IMPORTAGENTPHONE", take, services)).code for _ in range(2)] == [20, 20]
    facts = {"agent_id": 7, "phone_id": "5580"}
    assert noted(services) == [("IMPORTAGENTPHONE ADD", None, facts), ("IMPORTAGENTPHONE DELETE", facts, None)]


async def test_a_name_that_several_have_does_not_say_who_is_meant() -> None:
    services = sample_services()
    await ask("IMPORTAGENT", {"ACTION": "ADD", "ALLOWDUPLICATE": "Y", **NAMES}, services)
    assert (await ask("IMPORTAGENTPHONE", {"ACTION": "ADD", "PHONEID": "1", **NAMES}, services)).code == 22
    permission = {"ACTION": "ADD", "DEVICEID": "DESK5", **GROUP, **NAMES}
    assert (await ask("MODIFYGROUPPERMISSION", permission, services)).code == 22
    assert (await ask("MODIFYGROUPPERMISSION", permission | AGENT, services)).code == 20


async def test_names_count_before_numbers_in_permissions() -> None:
    services = sample_services()
    values = {"ACTION": "modify", "GROUPNAME": "CLAIMS & returns", "GROUPID": "99", "PHONEID": "desk5", "AGENTID": "99"}
    result = await ask("MODIFYGROUPPERMISSION", values | NAMES, services)
    assert result.body == (
        *(("ACTION", "MODIFY"), ("GROUPNAME", "CLAIMS & returns"), ("GROUPID", "3"), ("PHONEID", "desk5")),
        *(("FIRSTNAME", "Mara"), ("LASTNAME", "Reed"), ("AGENTID", "7")),
    )
    assert noted(services)[0][2] == {"group_id": 3, "phone_id": "DESK5", "agent_id": 7}
    await ask("MODIFYGROUPPERMISSION", values | NAMES, services)
    assert len(noted(services)) == 1


async def test_a_station_that_cannot_be_stored_is_told_with_the_device_that_is_there() -> None:
    class Failing(SampleStations):  # type: ignore[misc] # final, but for what a test breaks
        async def assign(self, device_id: str, station_name: str) -> str:
            raise DatabaseError(f"no room for {device_id} at {station_name}")

    services = sample_services()
    registry = dataclasses.replace(services.registry, stations=Failing())
    services = dataclasses.replace(services, registry=registry)
    result = await ask("IMPORTSTATION", {"DEVICEID": "5999", "STATIONNAME": "frontdesk"}, services)
    assert (result.code, result.message) == (23, "no room for 5999 at frontdesk")
    assert result.body == (("DEVICEID", "5551"), ("STATIONNAME", "frontdesk"))
    assert not noted(services)


async def test_what_is_so_already_is_not_noted() -> None:
    services = sample_services()
    for _ in range(2):
        await ask("IMPORTSTATION", {"DEVICEID": "5562", "STATIONNAME": "BACKOFFICE"}, services)
        await ask("IMPORTTERMINOLOGY", {"ACTION": "MODIFY", "NAME": "ani", "VALUE": "Caller"}, services)
    before = {"device_id": "", "station": ""}
    assert noted(services) == [
        ("IMPORTSTATION ADD", before, {"device_id": "5562", "station": "BACKOFFICE"}),
        *[("IMPORTTERMINOLOGY MODIFY", {"name": "ani", "value": "CallerID ANI"}, {"name": "ani", "value": "Caller"})],
    ]


async def test_a_user_is_found_by_number_or_name_and_tied_to_an_agent() -> None:
    services = sample_services()
    assert (await ask("IMPORTUSER", {"ACTION": "MODIFY", "USERNAME": "Reviewer", **AGENT}, services)).code == 20
    (user,) = await services.registry.users.all()
    assert (user.agent_id, user.user_name) == (7, "Reviewer")
    renamed = {"ACTION": "MODIFY", "USER_ID": "2", "USERNAME": "chief", "AGENTID": "-1"}
    assert (await ask("IMPORTUSER", renamed, services)).body == (("USERID", "2"),)
    (user,) = await services.registry.users.all()
    assert (user.agent_id, user.user_name) == (None, "chief")


async def test_a_group_is_renamed_and_deleted() -> None:
    services = sample_services()
    await ask("ADDGROUP", {"GROUPNAME": "Sales"}, services)
    assert (await ask("IMPORTGROUP", {"ACTION": "MODIFY", "GROUPNAME": "sales", **GROUP}, services)).code == 22
    renamed = await ask("IMPORTGROUP", {"ACTION": "MODIFY", "GROUPNAME": "Returns", **GROUP}, services)
    assert renamed.body == (("GROUPID", "3"), ("GROUPNAME", "Returns"))
    deleted = await ask("IMPORTGROUP", {"ACTION": "DELETE", "GROUPNAME": "returns"}, services)
    assert deleted.body == (("GROUPID", "3"), ("GROUPNAME", "Returns"))
    assert [what for what, _, _ in noted(services)] == ["ADDGROUP", "IMPORTGROUP MODIFY", "IMPORTGROUP DELETE"]
    await ask("ADDGROUP", {"GROUPNAME": "SALES"}, services)
    assert len(noted(services)) == 3


def test_short_times_are_english_and_not_padded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.clock.local", lambda moment: moment)
    assert short_time(dt.datetime(2026, 12, 3, 0, 5, tzinfo=dt.UTC)) == "Dec 3 2026 12:05AM"
    assert short_time(dt.datetime(2026, 2, 13, 12, 0, tzinfo=dt.UTC)) == "Feb 13 2026 12:00PM"
