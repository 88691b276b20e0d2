"""Messages that say what is to be recorded: how they are judged, and what they tell the cores."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

import pytest

from appliance import clock
from appliance.bus.commands import Services
from appliance.bus.control import (
    BeginBlackout,
    ChangeMode,
    EndBlackout,
    StartChat,
    StartRecording,
    StopChat,
    StopRecording,
    UpdateChat,
)
from appliance.errors import AlreadyRecordingError, UnlicensedError
from appliance.messages.dispatch import dispatch
from appliance.messages.origin import Origin, Port
from appliance.messages.result import Result
from appliance.messages.samples import SampleBus, sample_services
from appliance.settings.models import ApiSettings

KEY = {"DEVICEID": "5551"}
SESSION = {"SESSIONID": "w1"}


async def ask(kind: str, values: dict[str, str], services: Services | None = None) -> Result:
    asked = {"TYPE": kind, "REQUESTID": "9"} | values
    return await dispatch(asked, services or sample_services(), Origin(Port.COMMANDS, "127.0.0.1:1"))


async def told(kind: str, values: dict[str, str]) -> Any:
    services = sample_services()
    result = await ask(kind, values, services)
    assert result.code in {0, 13, 20}, result
    (command,) = cast("SampleBus", services.bus).sent
    return command


class Refusing:
    def __init__(self, error: Exception) -> None:
        self._error = error

    async def send(self, command: object) -> None:
        del command
        raise self._error


@pytest.mark.parametrize(("kind", "command"), [("BLACKOUTSTART", BeginBlackout), ("BLACKOUTSTOP", EndBlackout)])
@pytest.mark.parametrize(("offset", "seconds"), [("", 0), ("-5", -5), ("+7", 7), ("0", 0)])
async def test_blackouts_count_from_the_receipt(kind: str, command: Any, offset: str, seconds: int) -> None:
    sent = await told(kind, KEY | {"TIMEOFFSET": offset, "CALLINSTANCE": "a"})
    assert type(sent) is command
    assert sent.at_mono_s == pytest.approx(clock.monotonic_s() + seconds, abs=0.5)
    assert (sent.device_id, sent.call_instance, sent.strict) == ("5551", "a", False)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({}, 8),
        ({"SYS_USER": "nobody"}, 8),
        (KEY | {"TIMEOFFSET": "1.5"}, 11),
        (KEY | {"TIMEOFFSET": "-86401"}, 11),
        (KEY | {"REQUESTID": "x"}, 14),
        ({"DEVICEID": "no call"}, 20),
    ],
)
async def test_blackouts_are_judged(values: dict[str, str], code: int) -> None:
    assert (await ask("BLACKOUTSTART", values)).code == code


async def test_blackouts_of_some_cores_are_ok() -> None:
    services = dataclasses.replace(sample_services(), bus=SampleBus(reached=(1,), failed=(3, 2)))
    result = await ask("BLACKOUTSTOP", KEY, services)
    assert (result.result_type, result.code) == ("API_OK", 20)
    assert result.message == "BLACKOUTSTOP could not be sent to the following cores: 2,3"
    services = dataclasses.replace(sample_services(), bus=SampleBus(reached=(), failed=(1,)))
    assert (await ask("BLACKOUTSTOP", KEY, services)).code == 34


async def test_blackouts_without_a_call_are_refused_when_strict() -> None:
    services = sample_services(ApiSettings(strict_call_state=True))
    assert (await ask("BLACKOUTSTART", {"DEVICEID": "9"}, services)).code == 7
    assert cast("SampleBus", services.bus).sent[0].strict  # type: ignore[attr-defined]


async def test_what_a_core_refuses_is_answered_with_its_code() -> None:
    for error, kind in ((UnlicensedError(), "BLACKOUTSTART"), (AlreadyRecordingError(), "STARTRECORDING")):
        services = dataclasses.replace(sample_services(), bus=cast("Any", Refusing(error)))
        assert (await ask(kind, KEY, services)).code == error.code


async def test_recordings_on_order() -> None:
    sent = await told("STARTRECORDING", KEY | {"USER1": "a", "USECTICALLINFO": "Y"})
    assert sent == StartRecording(device_id="5551", fields={"user1": "a"}, use_cti_call_info=True)
    assert (await told("STARTRECORDINGAUTO", KEY)).automatic
    assert await told("STOPRECORDING", KEY) == StopRecording(device_id="5551")
    for kind in ("STARTRECORDING", "STARTRECORDINGAUTO", "STOPRECORDING", "MODECHANGE"):
        assert (await ask(kind, {})).code == 5
        assert (await ask(kind, {"CRM_USER": "nobody", "MODE": "MODE_READY"})).code == 8
    assert (await ask("STARTRECORDING", KEY | {"OVERRIDEDISKLOCATION": "/etc"})).code == 11


@pytest.mark.parametrize(("mode", "code"), [("MODE_WRAP", 20), ("mode_other", 20), ("", 26), ("3", 29), ("WRAP", 29)])
async def test_modes_are_names(mode: str, code: int) -> None:
    assert (await ask("MODECHANGE", KEY | {"MODE": mode})).code == code


async def test_mode_is_told_and_listed_where_that_is_wanted() -> None:
    assert await told("MODECHANGE", KEY | {"MODE": "mode_wrap"}) == ChangeMode(device_id="5551", mode="MODE_WRAP")
    services = sample_services(ApiSettings(device_modes=True))
    calls = cast("Any", services.status).calls
    calls[0] = calls[0].model_copy(update={"mode": "MODE_WRAP", "mode_changed_at": calls[0].started_at})
    for kind in ("DEVICELIST", "DEVICESTATUS", "CALLLIST"):
        device = dict((await ask(kind, {}, services)).body[0][1][1][1])
        assert (device["MODE"], device["MODESTR"]) == ("9", "MODE_WRAP")
        names = list(device)
        assert names[names.index("COREIDENT") + 1 : names.index("RECORDING")] == ["MODE", "MODESTR", "LASTMODECHANGE"]


async def test_calllist_leaves_out_what_has_ended() -> None:
    services = sample_services()
    calls = cast("Any", services.status).calls
    calls.append(calls[0].model_copy(update={"device_id": "5552", "stopped_at": calls[0].started_at}))
    section = (await ask("CALLLIST", {}, services)).body[0][1]
    assert section[0] == ("COUNT", "1")
    assert dict(section[1][1])["DEVICEID"] == "5551"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("USERNAME", "MREED"),
        ("sysusername", "mreed"),
        ("EMPLOYEEID", "2210"),
        ("CRMUSERNAME", "mara"),
        ("DEVICEALIAS", "desk5"),
        ("AGENTID", "7"),
    ],
)
async def test_a_chat_finds_its_agent(name: str, value: str) -> None:
    command = await told("CHATSTART", SESSION | {"KEYNAME": name, "KEYVALUE": value})
    assert command == StartChat(
        session_id="w1",
        agent_id="7",
        phones=("5551", "DESK5"),
        name="mreed",
        fields={"sys_user": "mreed", "crm_user": "mara"},
    )


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"AGENTID": "7"}, 33),
        (SESSION, 24),
        (SESSION | {"AGENTID": "8"}, 24),
        (SESSION | {"AGENTID": "0", "KEYNAME": "USERNAME", "KEYVALUE": "mreed"}, 20),
        (SESSION | {"KEYNAME": "USERNAME", "KEYVALUE": "nobody"}, 24),
        (SESSION | {"KEYNAME": "SHOESIZE", "KEYVALUE": "7"}, 11),
        (SESSION | {"SESSIONID": "w" * 256, "AGENTID": "7"}, 11),
    ],
)
async def test_chatstart_is_judged(values: dict[str, str], code: int) -> None:
    assert (await ask("CHATSTART", values)).code == code


async def test_an_agent_who_is_not_active_has_no_chats() -> None:
    services = sample_services()
    await services.registry.agents.modify(7, {"status": "I"}, clock.now())
    for values in ({"AGENTID": "7"}, {"KEYNAME": "USERNAME", "KEYVALUE": "mreed"}):
        assert (await ask("CHATSTART", SESSION | values, services)).code == 25


async def test_chats_are_changed_and_ended_without_a_look_at_agents() -> None:
    values = SESSION | {"DEVICEALIAS": "D1", "USER15": "", "KEEPDAYS": "4", "CALLID": "c", "DEVICEID": "ignored"}
    assert await told("CHATUPDATE", values) == UpdateChat(
        session_id="w1", fields={"device_alias": "D1", "user15": "", "call_id": "c", "keep_days": 4}
    )
    assert await told("CHATSTOP", SESSION) == StopChat(session_id="w1")
    for kind in ("CHATUPDATE", "CHATSTOP"):
        assert (await ask(kind, {"DEVICEID": "5551"})).code == 33
