from __future__ import annotations

import datetime as dt
import logging

import pytest

from appliance.calls.fields import CallFields
from appliance.eventproxy.printing import print_event
from appliance.events.types import EVENTS, CallStarted, CallStopped, Event, RecordingSaved, RecordingStarted
from appliance.messages.origin import Port
from appliance.settings.models import ApiSettings, EventSettings
from tests.unit.serving import TEST, Client, Serving, code_of, until, value_of, xml_serving

AT = dt.datetime(2026, 3, 9, 13, 4, 5, tzinfo=dt.UTC)
END = b"</CALLCOPYEVENT>\r\n"


def call(kind: type[CallStarted | CallStopped], n: int = 1) -> Event:
    return kind(
        happened_at=AT, core_id=1, device_id=str(n), global_call_id="", keep_days=-1, fields=CallFields(user1="x" * 20)
    )


def saved(n: int = 1) -> RecordingSaved:
    return RecordingSaved(
        happened_at=AT,
        core_id=1,
        device_id=str(n),
        global_call_id="0001",
        keep_days=30,
        fields=CallFields(),
        filename="/r/a.wav",
        record_id=n,
    )


def request(**values: str) -> bytes:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
    return f"<REQUEST><TYPE>EVENTS</TYPE><REQUESTID>0</REQUESTID>{inner}</REQUEST>\r\n".encode()


async def subscribed(serving: Serving, **values: str) -> Client:
    client = await serving.connect()
    assert code_of(await client.ask(request(**values))) == 20
    return client


async def nothing_more(client: Client) -> bool:
    """Whether nothing but the answer to a TEST comes."""
    return (await client.ask(TEST % 99)).startswith(b"<RESULT>")


@pytest.mark.parametrize("port", [Port.COMMANDS, Port.EVENTS])
async def test_both_ports_take_events_and_test(port: Port) -> None:
    async with xml_serving(port) as serving:
        client = await serving.connect()
        answer = await client.ask(request())
        assert answer == (
            b"<RESULT>\r\n<REQUESTTYPE>EVENTS</REQUESTTYPE>\r\n<REQUESTID>0</REQUESTID>\r\n"
            b"<RESULTTYPE>OK</RESULTTYPE>\r\n<RESULTCODE>20</RESULTCODE>\r\n<RESULTMSG>OK</RESULTMSG>\r\n"
            b"<EVENTXREF>0</EVENTXREF>\r\n<EVENTCLASS>ALL</EVENTCLASS>\r\n<EVENTTYPE></EVENTTYPE>\r\n</RESULT>\r\n"
        )
        serving.bus.publish(call(CallStarted))
        serving.bus.publish(saved())
        assert value_of(await client.read(END), "EVENTTYPE") == "CALLSTART"
        assert value_of(await client.read(END), "EVENTTYPE") == "RECORDINGUPDATE"
        assert code_of(await client.ask(TEST % 1)) == 20
        await client.close()


async def test_an_event_right_behind_the_subscription_comes_after_its_answer() -> None:
    async with xml_serving() as serving:
        client = await serving.connect()
        client.writer.write(request() + b"<CALLSTART><REQUESTID>1</REQUESTID><DEVICEID>1</DEVICEID></CALLSTART>")
        assert (await client.read()).startswith(b"<RESULT>\r\n<REQUESTTYPE>EVENTS")
        serving.bus.publish(call(CallStarted))
        await client.read()
        assert value_of(await client.read(END), "EVENTXREF") == "0"
        await client.close()


async def test_filters_by_class_and_type() -> None:
    async with xml_serving(Port.EVENTS) as serving:
        records = await subscribed(serving, EVENTCLASS="record")
        stops = await subscribed(serving, EVENTTYPE="CALLSTOP")
        for event in (call(CallStarted), saved(), call(CallStopped)):
            serving.bus.publish(event)
        assert value_of(await records.read(END), "EVENTTYPE") == "RECORDINGUPDATE"
        assert value_of(await stops.read(END), "EVENTTYPE") == "CALLSTOP"
        assert await nothing_more(records)
        assert await nothing_more(stops)
        await records.close()
        await stops.close()


async def test_several_subscriptions_of_one_connection_and_their_end() -> None:
    async with xml_serving(Port.EVENTS) as serving:
        client = await subscribed(serving)
        answer = await client.ask(request(EVENTCLASS="CALL"))
        assert value_of(answer, "EVENTXREF") == "1"
        assert value_of(await client.ask(request(EVENTXREF="mine")), "EVENTXREF") == "mine"
        serving.bus.publish(call(CallStarted))
        assert [value_of(await client.read(END), "EVENTXREF") for _ in range(3)] == ["0", "1", "mine"]
        assert code_of(await client.ask(request(ACTION="STOP", EVENTXREF="0"))) == 20
        assert code_of(await client.ask(request(ACTION="delete", EVENTXREF="mine"))) == 20
        serving.bus.publish(saved())
        serving.bus.publish(call(CallStopped))
        assert value_of(await client.read(END), "EVENTXREF") == "1"
        assert code_of(await client.ask(request(ACTION="STOP", EVENTXREF="1"))) == 20
        serving.bus.publish(call(CallStarted))
        assert await nothing_more(client)
        assert value_of(await client.ask(request()), "EVENTXREF") == "2"
        await client.close()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"EVENTCLASS": "NOSUCH"}, 30),
        ({"EVENTTYPE": "NOSUCH"}, 30),
        ({"EVENTCLASS": "CALL", "EVENTTYPE": "RECORDINGSTARTED"}, 30),
        ({"EVENTCLASS": "CALL", "EVENTTYPE": "ALL"}, 20),
        ({"EVENTXREF": "0"}, 32),
        ({}, 32),
        ({"ACTION": "STOP", "EVENTXREF": "5"}, 31),
        ({"ACTION": "STOP"}, 31),
        ({"ACTION": "PAUSE"}, 21),
    ],
)
async def test_faults(values: dict[str, str], code: int) -> None:
    async with xml_serving(Port.EVENTS) as serving:
        client = await subscribed(serving)
        assert code_of(await client.ask(request(**values))) == code
        await client.close()


async def test_subscriptions_end_with_the_clients_direction() -> None:
    async with xml_serving(Port.EVENTS) as serving:
        client = await subscribed(serving)
        client.writer.write_eof()
        assert await client.rest() == b""
        assert serving.bus.history.readers == 0
        await client.close()


async def test_a_slow_reader_loses_the_oldest_counted_and_logged_and_others_lose_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    total = 10_000
    async with xml_serving(Port.EVENTS, events=EventSettings(queue=100)) as serving:
        slow = await subscribed(serving, EVENTCLASS="CALL")
        slow.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport reads too
        quick = await subscribed(serving)
        with caplog.at_level(logging.WARNING):
            for n in range(total):
                serving.bus.publish(call(CallStarted, n))
                assert value_of(await quick.read(END), "DEVICEID") == str(n)
            held = sum(c._transport.get_write_buffer_size() for c in serving.server._connections)
            assert held < 1 << 20
            slow.writer.transport.resume_reading()  # type: ignore[attr-defined]
            seen = [-1]
            while seen[-1] != total - 1:
                seen.append(int(value_of(await slow.read(END), "DEVICEID")))
        assert seen == sorted(set(seen))
        assert serving.proxy.dropped == total - (len(seen) - 1) > 0
        assert "reads too slowly" in caplog.text
        await slow.close()
        await quick.close()


async def test_nothing_is_left_of_a_client_that_is_gone() -> None:
    async with xml_serving(Port.EVENTS) as serving:
        client = await subscribed(serving)
        assert serving.bus.history.readers == 1
        await client.close()
        await until(lambda: serving.bus.history.readers == 0)


@pytest.mark.parametrize("kind", EVENTS)
def test_every_event_is_printed_in_its_declared_order(kind: type[Event]) -> None:
    more = {"filename": "f", "channel": 3, "record_id": 4}
    event = kind.model_validate(
        {"happened_at": AT, "core_id": 1, "device_id": "5", "global_call_id": "g", "keep_days": 30, "fields": {}}
        | {name: value for name, value in more.items() if name in kind.model_fields}
    )
    lines = print_event(event, "7", ApiSettings()).decode().split("\r\n")
    assert lines[:6] == [
        "<CALLCOPYEVENT>",
        f"<EVENTCLASS>{kind.event_class}</EVENTCLASS>",
        f"<EVENTTYPE>{kind.event_type}</EVENTTYPE>",
        f"<MODULE>{kind.module}</MODULE>",
        "<EVENTXREF>7</EVENTXREF>",
        "<EVENTDATA>",
    ]
    assert [line[1:].partition(">")[0] for line in lines[6:-3]] == list(kind.order)
    assert lines[-3:] == ["</EVENTDATA>", "</CALLCOPYEVENT>", ""]


def test_channels_of_events_are_numbered_as_in_channels() -> None:
    event = RecordingStarted(
        happened_at=AT,
        core_id=1,
        device_id="5",
        global_call_id="",
        keep_days=30,
        fields=CallFields(),
        filename="",
        channel=0,
    )
    assert b"<CHANNEL>1</CHANNEL>" in print_event(event, "0", ApiSettings(channel_id_base=1))
    assert print_event(event, "0", ApiSettings(compact=True)).count(b"\r\n") == 1


async def test_no_event_follows_the_answer_that_turns_a_client_away(caplog: pytest.LogCaptureFixture) -> None:
    async with xml_serving(max_message_bytes=1024) as serving:
        client = await serving.connect()
        assert code_of(await client.ask(request())) == 20
        await client.send(b"<REQUEST>" + b" " * 4000)
        assert code_of(await client.read()) == 16
        serving.bus.publish(call(CallStarted))
        assert await client.rest() == b""
        await client.close()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
