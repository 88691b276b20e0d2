from __future__ import annotations

import dataclasses
import logging
from typing import Any, cast

import pytest

from appliance.bus.commands import Services, StartCall, StopCall, UpdateCall
from appliance.errors import DatabaseError
from appliance.messages.dispatch import begin, dispatch
from appliance.messages.origin import Origin, Port
from appliance.messages.result import Result
from appliance.messages.samples import SampleBus, SampleRecords, SampleStatus, sample_services
from appliance.settings.models import ApiSettings

KEY = {"DEVICEID": "5551"}
NO_DEVICE = "Could not find a device matching given parameters"


async def ask(
    kind: str, values: dict[str, str] | None = None, services: Services | None = None, port: Port = Port.COMMANDS
) -> Result:
    asked = {"TYPE": kind, "REQUESTID": "9"} | (values or {})
    return await dispatch(asked, services or sample_services(), Origin(port, "127.0.0.1:1"))


def sent(services: Services) -> Any:
    return cast("SampleBus", services.bus).sent


async def told(kind: str, values: dict[str, str]) -> Any:
    """Give the one command that the request became."""
    services = sample_services()
    result = await ask(kind, KEY | values, services)
    assert result.code == 20, result
    (command,) = sent(services)
    return command


# --- order of judgement ---


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"TYPE": "", "REQUESTID": "x"}, 15),
        ({"TYPE": "EXPORT", "REQUESTID": "x"}, 15),
        ({"TYPE": "NOSUCH", "REQUESTID": "x"}, 10),
        ({"TYPE": "__INIT__", "REQUESTID": "1"}, 10),
        ({"TYPE": "CALLSTART", "REQUESTID": "x", "PRIORITY": "x"}, 14),
        ({"TYPE": "CALLSTART", "REQUESTID": "", **KEY}, 14),
        ({"TYPE": "CALLSTART", "REQUESTID": "1", "PRIORITY": "x"}, 8),
        ({"TYPE": "CALLSTART", "REQUESTID": "1", "DEVICEID": "", "PRIORITY": "x"}, 8),
        ({"TYPE": "CALLSTART", "REQUESTID": "1", "DEVICEID": "5" * 65, "PRIORITY": "x"}, 8),
        ({"TYPE": "CALLSTART", "REQUESTID": "1", "PRIORITY": "101", **KEY}, 11),
        ({"TYPE": "CALLUPDATE", "REQUESTID": "1", "RECORDID": "x"}, 40),
        ({"TYPE": "CALLUPDATE", "REQUESTID": "1", "RECORDID": "0"}, 40),
        ({"TYPE": "CALLUPDATE", "REQUESTID": "1", "RECORDID": ""}, 8),
    ],
)
async def test_the_first_fault_in_the_contracts_order_answers(values: dict[str, str], code: int) -> None:
    result = await dispatch(values, sample_services(), Origin(Port.COMMANDS, ""))
    assert result.code == code
    assert result.request_type == values["TYPE"]


@pytest.mark.parametrize("sent_id", ["-1", "2147483648", "9" * 60])
async def test_a_request_id_out_of_range_is_refused_and_echoed(sent_id: str) -> None:
    result = await ask("TEST", {"REQUESTID": sent_id})
    assert (result.code, result.request_id) == (14, sent_id)


@pytest.mark.parametrize("sent_id", ["abc", "1.0", "1 2", "0x10", "٣"])
async def test_a_request_id_that_is_no_integer_is_refused_as_0(sent_id: str) -> None:
    result = await ask("TEST", {"REQUESTID": sent_id})
    assert (result.code, result.request_id) == (14, "0")


@pytest.mark.parametrize(("sent_id", "echo"), [("", "0"), ("0", "0"), ("007", "007"), ("2147483647", "2147483647")])
async def test_good_request_ids_are_echoed_as_sent(sent_id: str, echo: str) -> None:
    result = await ask("TEST", {"REQUESTID": sent_id})
    assert (result.code, result.request_id) == (20, echo)


async def test_type_is_echoed_in_upper_case() -> None:
    assert (await ask("deviceList")).request_type == "DEVICELIST"


def test_what_needs_no_waiting_is_answered_at_once() -> None:
    assert isinstance(begin({"TYPE": "TEST"}, sample_services(), Origin(Port.EVENTS, "")), Result)


async def test_the_events_port_takes_test_and_nothing_of_the_rest() -> None:
    assert (await ask("TEST", port=Port.EVENTS)).code == 20
    assert (await ask("DEVICELIST", port=Port.EVENTS)).code == 15
    assert (await ask("EVENTS", port=Port.WEB)).code == 15


# --- errors ---


async def test_an_unexpected_exception_is_11_and_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        async def devices(self) -> None:
            raise ZeroDivisionError("boom")

    services = dataclasses.replace(sample_services(), status=cast("Any", Broken()))
    with caplog.at_level(logging.ERROR):
        result = await ask("DEVICELIST", services=services)
    assert (result.code, result.result_type) == (11, "API_ERROR_PROCESSING_MESSAGE")
    assert "ZeroDivisionError: boom" in caplog.text


async def test_errors_may_be_told_as_error() -> None:
    services = sample_services(ApiSettings(error_resulttype="ERROR"))
    assert (await ask("NOSUCH", services=services)).result_type == "ERROR"
    assert (await ask("TEST", services=services)).result_type == "API_OK"


async def test_the_database_of_the_status_fails() -> None:
    class Broken:
        async def channels(self) -> None:
            raise DatabaseError

    services = dataclasses.replace(sample_services(), status=cast("Any", Broken()))
    assert (await ask("CHANNELS", services=services)).code == 23


# --- CALLSTART, CALLSTOP ---


async def test_callstart_passes_on_what_was_passed() -> None:
    command = await told(
        "CALLSTART",
        {
            "ANI": "1",
            "GROUP": "",
            "STATION": "PC7",
            "CRMUSERNAME": "C",
            "KEEP_DAYS": "7",
            "PRIORITY": "3",
            "CALLDIRECTION": "o",
            "MAXRECORDTIME": "60",
            "MAXRECORDSILENCE": "0",
            "AGENTINITIATED": "y",
            "USECTICALLINFO": "Y",
            "CALLINSTANCE": "a",
            "UNKNOWN": "x",
            "CALLID": "c" * 30,
        },
    )
    assert command == StartCall(
        device_id="5551",
        call_instance="a",
        use_cti_call_info=True,
        fields={
            "ani": "1",
            "group": "",
            "station": "PC7",
            "crm_user": "C",
            "keep_days": 7,
            "priority": 3,
            "call_direction": "O",
            "max_record_time_s": 60,
            "agent_initiated": True,
            "call_id": "c" * 30,
        },
    )


async def test_a_blank_key_is_not_passed_and_the_next_one_looks_up() -> None:
    services = sample_services()
    result = await ask("CALLSTART", {"DEVICEID": "", "DEVICEALIAS": "DESK5"}, services)
    assert result.message == "CALLSTART sent to all of the following cores: 1"
    assert sent(services)[0].device_id == "5551"


async def test_no_device_matches() -> None:
    result = await ask("CALLSTOP", {"SYS_USER": "nobody"})
    assert (result.code, result.result_type, result.message) == (8, "API_DEVICE_INVALID", NO_DEVICE)


async def test_a_given_value_counts_before_a_blank_synonym_and_the_name_before_its_synonym() -> None:
    command = await told("CALLSTART", {"KEEPDAYS": "", "KEEP_DAYS": "3", "STATIONNAME": "A", "COMPUTERNAME": "B"})
    assert (command.fields["keep_days"], command.fields["station"]) == (3, "A")


async def test_any_other_direction_is_a_question_mark() -> None:
    assert (await told("CALLSTART", {"CALLDIRECTION": "inbound"})).fields["call_direction"] == "?"


async def test_over_long_data_is_cut_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        command = await told("CALLSTART", {"USER1": "x" * 21, "USER4": "x" * 255})
    assert command.fields == {"user1": "x" * 20, "user4": "x" * 255}
    assert "USER1 of CALLSTART" in caplog.text


async def test_over_long_data_is_refused_when_lengths_are_strict() -> None:
    services = sample_services(ApiSettings(strict_lengths=True))
    result = await ask("CALLSTART", KEY | {"USER1": "x" * 21}, services)
    assert (result.code, sent(services)) == (11, [])
    assert "USER1" in result.message


@pytest.mark.parametrize(("folder", "code"), [("/var/lib/linetap/recordings/vip", 20), ("/etc", 11), ("vip", 11)])
async def test_the_folder_must_lie_in_the_recordings(folder: str, code: int) -> None:
    assert (await ask("CALLSTART", KEY | {"OVERRIDEDISKLOCATION": folder})).code == code


async def test_the_folder_cannot_climb_out() -> None:
    assert (await ask("CALLSTART", KEY | {"OVERRIDEDISKLOCATION": "/var/lib/linetap/recordings/../../x"})).code == 11


async def test_callstop_means_the_last_call_unless_told() -> None:
    assert await told("CALLSTOP", {}) == StopCall(device_id="5551", call_instance=None)
    assert await told("CALLSTOP", {"CALLINSTANCE": "b"}) == StopCall(device_id="5551", call_instance="b")


@pytest.mark.parametrize(
    ("reached", "failed", "result_type", "message"),
    [
        ((2, 1), (), "API_OK", "CALLSTOP sent to all of the following cores: 1,2"),
        ((1,), (3, 2), "API_PARTIAL_CORE_RESPONSE", "CALLSTOP could not be sent to the following cores: 2,3"),
        ((), (1,), "API_ERROR_RECORDER_NOT_RUNNING", "API_ERROR_RECORDER_NOT_RUNNING"),
    ],
)
async def test_which_cores_were_told(
    reached: tuple[int, ...], failed: tuple[int, ...], result_type: str, message: str
) -> None:
    services = dataclasses.replace(sample_services(), bus=SampleBus(reached=reached, failed=failed))
    result = await ask("CALLSTOP", KEY, services)
    assert (result.result_type, result.message) == (result_type, message)
    assert result.code == (20 if reached else 34)


async def test_the_code_of_a_partial_answer_can_be_set() -> None:
    services = dataclasses.replace(sample_services(ApiSettings(partial_code=42)), bus=SampleBus(failed=(2,)))
    assert (await ask("CALLSTART", KEY, services)).code == 42


@pytest.mark.parametrize("kind", ["CALLSTOP", "CALLUPDATE"])
async def test_no_open_call_is_an_error_only_when_strict(kind: str) -> None:
    idle = {"DEVICEID": "777"}
    assert (await ask(kind, idle)).code == 20
    assert (await ask(kind, idle, sample_services(ApiSettings(strict_call_state=True)))).code == 7
    assert (await ask(kind, KEY, sample_services(ApiSettings(strict_call_state=True)))).code == 20


# --- CALLUPDATE ---


async def test_live_update_leaves_what_is_absent_and_clears_what_is_blank() -> None:
    command = await told("CALLUPDATE", {"USER1": "", "ANI": "2", "CALLDIRECTION": "", "SYS_USER": "", "KEEPDAYS": ""})
    assert command == UpdateCall(device_id="5551", call_instance=None, fields={"user1": "", "ani": "2"})


async def test_update_if_not_recording_takes_the_open_call_first() -> None:
    services = sample_services()
    result = await ask("CALLUPDATE", KEY | {"USER1": "a", "UPDATE_IF_NOT_RECORDING": "Y"}, services)
    assert result.message == "CALLUPDATE sent to all of the following cores: 1"
    assert cast("SampleRecords", services.records).changed == []


async def test_update_if_not_recording_changes_the_last_recording() -> None:
    services = sample_services()
    values = {"DEVICEID": "5552", "DEVICEALIAS": "A", "USER1": "a", "KEEPDAYS": "1", "UPDATE_IF_NOT_RECORDING": "y"}
    result = await ask("CALLUPDATE", values, services)
    assert (result.code, result.message) == (20, "Updated recording in database")
    assert cast("SampleRecords", services.records).changed == [(204, {"user1": "a"})]


async def test_update_if_not_recording_without_any_recording_is_40() -> None:
    assert (await ask("CALLUPDATE", {"DEVICEID": "1", "UPDATE_IF_NOT_RECORDING": "Y"})).code == 40


async def test_update_if_not_recording_needs_a_core_to_know() -> None:
    services = dataclasses.replace(sample_services(), bus=SampleBus(reached=(), failed=(1,)))
    assert (await ask("CALLUPDATE", {"DEVICEID": "5552", "UPDATE_IF_NOT_RECORDING": "Y"}, services)).code == 34


async def test_update_by_record_id_writes_the_keys_and_sends_nothing() -> None:
    services = sample_services()
    values = {"RECORDID": "204", "DEVICEID": "9", "DEVICEALIAS": "", "USER1": "", "KEEPDAYS": "1", "CALLID": "x"}
    result = await ask("CALLUPDATE", values, services)
    assert (result.code, result.message) == (20, "Updated recording in database")
    assert cast("SampleRecords", services.records).changed == [(204, {"device_id": "9", "user1": ""})]
    assert sent(services) == []


async def test_update_of_an_absent_record_is_23() -> None:
    assert (await ask("CALLUPDATE", {"RECORDID": "999", "USER1": "a"})).code == 23


# --- status, EXPORT ---


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({}, "1"),
        ({"DEVICEID": "5551", "DEVICEALIAS": "desk5"}, "1"),
        ({"DEVICEID": "5551", "DEVICEALIAS": "desk6"}, "0"),
        ({"SYS_USER": "MREED"}, "1"),
        ({"CRM_USER": "x"}, "0"),
    ],
)
async def test_filters_of_devicestatus_must_all_match_in_any_letter_case(filters: dict[str, str], count: str) -> None:
    result = await ask("DEVICESTATUS", filters)
    assert result.code == 20
    assert result.body[0][1][0] == ("COUNT", count)
    assert result.message == ("Found the following matching devices" if count == "1" else "No matching devices found")


async def test_channel_ids_can_begin_at_1() -> None:
    result = await ask("CHANNELS", services=sample_services(ApiSettings(channel_id_base=1)))
    assert [channel[0] for _, channel in result.body[1][1]] == [("ID", "1"), ("ID", "2")]


async def test_no_channels_at_all() -> None:
    services = dataclasses.replace(sample_services(), status=SampleStatus(lines=[]))
    assert (await ask("CHANNELS", services=services)).body == (("COUNT", "0"), ("CHANNELS", ()))


@pytest.mark.parametrize(
    ("field", "value", "suffix", "code"),
    [
        ("user2", "Order 7782", "MP3", 20),
        ("RECORDID", "204", "wav", 20),
        ("", "x", "wav", 26),
        ("user2", "", "wav", 26),
        ("user2", "x", "", 26),
        ("nosuch", "x", "wav", 11),
        ("user2", "Order 7782", "exe", 11),
        ("ident", "x", "wav", 40),
        ("recordid", "99999999999", "wav", 40),
        ("recordid", "205", "wav", 41),
        ("user2", "Order 1", "wav", 41),
    ],
)
async def test_export(field: str, value: str, suffix: str, code: int) -> None:
    values = {"UNIQUEFIELD": field, "UNIQUE_ID": value, "MEDIAFORMAT": suffix}
    result = await ask("EXPORT", values, port=Port.WEB)
    assert result.code == code
    assert (result.attachment is not None) == (code == 20)
