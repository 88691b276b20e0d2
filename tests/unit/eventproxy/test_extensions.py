"""SINCE, SEQUENCE, HEARTBEAT and gaps; and that who asks for none of them sees none of it."""

from __future__ import annotations

import asyncio
import logging
import socket

import pytest

from appliance.eventproxy import feed
from appliance.eventproxy.printing import print_event, print_gap
from appliance.events.bus import EventBus
from appliance.events.history import EventHistory, Gap
from appliance.events.types import CallStarted, CallStopped
from appliance.messages.origin import Port
from appliance.settings.models import ApiSettings, EventSettings
from tests.unit.eventproxy.test_feed import END, call, request, saved, subscribed
from tests.unit.serving import Client, code_of, until, value_of, xml_serving


def flood(bus: EventBus, count: int, begin: int = 0) -> None:
    for n in range(begin, begin + count):
        bus.publish(call(CallStarted, n))


async def sequences(client: Client, count: int) -> list[int]:
    return [int(value_of(await client.read(END), "SEQUENCE")) for _ in range(count)]


async def test_sequence_stands_before_the_data_and_only_for_who_asked() -> None:
    async with xml_serving(Port.EVENTS) as serving:
        flood(serving.bus, 3)
        plain = await subscribed(serving)
        numbered = await serving.connect()
        answer = await numbered.ask(request(SEQUENCE="Y"))
        assert answer.endswith(b"<EVENTTYPE></EVENTTYPE>\r\n<SEQUENCE>3</SEQUENCE>\r\n</RESULT>\r\n")
        serving.bus.publish(saved())
        with_it, without = await numbered.read(END), await plain.read(END)
        line = b"<SEQUENCE>4</SEQUENCE>\r\n"
        assert with_it == without.replace(b"<EVENTDATA>", line + b"<EVENTDATA>")
        assert line not in without
        await plain.close()
        await numbered.close()


@pytest.mark.parametrize("values", [{"SEQUENCE": "N"}, {"SEQUENCE": "", "SINCE": "", "HEARTBEAT": ""}])
async def test_who_says_no_gets_the_manuals_answer(values: dict[str, str]) -> None:
    async with xml_serving() as serving:
        client = await serving.connect()
        assert b"SEQUENCE" not in await client.ask(request(**values))
        await client.close()


async def test_since_takes_up_without_a_gap_or_a_double_while_events_go_on() -> None:
    async with xml_serving(Port.EVENTS) as serving:
        client = await subscribed(serving, SEQUENCE="Y")
        flood(serving.bus, 50)
        seen = await sequences(client, 20)
        await client.close()
        flood(serving.bus, 50)
        again = await serving.connect()
        answer = await again.ask(request(SINCE=str(seen[-1])))
        assert value_of(answer, "RESULTMSG") == "OK"
        assert value_of(answer, "SEQUENCE") == "100"
        flood(serving.bus, 50)
        seen += await sequences(again, 130)
        assert seen == list(range(1, 151))
        await again.close()


async def test_since_keeps_to_its_class_beside_another_subscription() -> None:
    async with xml_serving(Port.EVENTS) as serving:
        client = await subscribed(serving, EVENTCLASS="CALL", EVENTXREF="c")
        for n in range(3):
            serving.bus.publish(call(CallStarted, n))
            serving.bus.publish(saved(n))
        assert [value_of(await client.read(END), "DEVICEID") for _ in range(3)] == ["0", "1", "2"]
        assert code_of(await client.ask(request(EVENTCLASS="RECORD", SINCE="2", EVENTXREF="r"))) == 20
        serving.bus.publish(call(CallStopped))
        serving.bus.publish(saved(9))
        seen = [await client.read(END) for _ in range(4)]
        found = [(value_of(one, "EVENTXREF"), value_of(one, "SEQUENCE")) for one in seen]
        assert found == [("r", "4"), ("r", "6"), ("c", ""), ("r", "8")]
        await client.close()


async def test_what_is_no_longer_kept_is_told_and_the_rest_is_given() -> None:
    bus = EventBus(EventHistory(keep=10))
    async with xml_serving(Port.EVENTS, bus=bus) as serving:
        flood(bus, 30)
        client = await serving.connect()
        answer = await client.ask(request(SINCE="5"))
        assert code_of(answer) == 20
        assert value_of(answer, "RESULTMSG") == "Events 6 to 20 are no longer kept"
        gap = b"<GAP>\r\n<FIRSTSEQUENCE>6</FIRSTSEQUENCE>\r\n<LASTSEQUENCE>20</LASTSEQUENCE>\r\n</GAP>\r\n</RESULT>\r\n"
        assert answer.endswith(b"<SEQUENCE>30</SEQUENCE>\r\n" + gap)
        assert await sequences(client, 10) == list(range(21, 31))
        await client.close()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"SINCE": "4"}, "SINCE is above the last SEQUENCE, 3"),
        ({"SINCE": "-1"}, "SINCE is not an integer from 0 to 9223372036854775807"),
        ({"SINCE": "last"}, "SINCE is not an integer from 0 to 9223372036854775807"),
        ({"SINCE": "99999999999999999999"}, "SINCE is not an integer from 0 to 9223372036854775807"),
        ({"SEQUENCE": "1"}, "SEQUENCE is neither Y nor N"),
        ({"HEARTBEAT": "0"}, "HEARTBEAT is not an integer from 1 to 3600"),
        ({"HEARTBEAT": "0.5"}, "HEARTBEAT is not an integer from 1 to 3600"),
        ({"EVENTXREF": "more"}, "a connection has 2 subscriptions at most"),
    ],
)
async def test_faults_subscribe_nothing(values: dict[str, str], told: str) -> None:
    async with xml_serving(Port.EVENTS, events=EventSettings(max_subscriptions=2)) as serving:
        client = await subscribed(serving)
        assert code_of(await client.ask(request(EVENTCLASS="CALL"))) == 20
        if "EVENTXREF" not in values:
            await client.ask(request(ACTION="STOP", EVENTXREF="1"))
        flood(serving.bus, 3)
        for _ in range(3 if "EVENTXREF" not in values else 6):
            await client.read(END)
        readers = serving.bus.history.readers
        answer = await client.ask(request(EVENTTYPE="CALLSTART", **values))
        assert code_of(answer) == 11
        assert value_of(answer, "RESULTMSG") == told
        assert serving.bus.history.readers == readers
        await client.close()


async def test_heartbeats_come_only_when_nothing_was_said_and_name_how_far_it_is() -> None:
    async with xml_serving(Port.EVENTS) as serving:
        client = await subscribed(serving, EVENTCLASS="RECORD", HEARTBEAT="1", EVENTXREF="h")
        flood(serving.bus, 2)  # of no interest to it
        assert await client.read(END) == (
            b"<CALLCOPYEVENT>\r\n<EVENTCLASS>SYSTEM</EVENTCLASS>\r\n<EVENTTYPE>HEARTBEAT</EVENTTYPE>\r\n"
            b"<MODULE></MODULE>\r\n<EVENTXREF>h</EVENTXREF>\r\n<EVENTDATA>\r\n<LASTSEQUENCE>2</LASTSEQUENCE>\r\n"
            b"</EVENTDATA>\r\n</CALLCOPYEVENT>\r\n"
        )
        serving.bus.publish(saved())
        event = await client.read(END)
        assert value_of(event, "EVENTTYPE") == "RECORDINGUPDATE"
        assert b"SEQUENCE" not in event  # it asked for heartbeats alone
        assert value_of(await client.read(END), "LASTSEQUENCE") == "3"
        await client.close()


def test_a_gap_is_printed_on_its_own_and_an_event_with_its_number() -> None:
    assert print_gap(Gap(3, 17, 21), "x", ApiSettings()) == (
        b"<CALLCOPYEVENT>\r\n<EVENTCLASS>SYSTEM</EVENTCLASS>\r\n<EVENTTYPE>GAP</EVENTTYPE>\r\n<MODULE></MODULE>\r\n"
        b"<EVENTXREF>x</EVENTXREF>\r\n<EVENTDATA>\r\n<COUNT>3</COUNT>\r\n<FIRSTSEQUENCE>17</FIRSTSEQUENCE>\r\n"
        b"<LASTSEQUENCE>21</LASTSEQUENCE>\r\n</EVENTDATA>\r\n</CALLCOPYEVENT>\r\n"
    )
    numbered = print_event(saved(), "0", ApiSettings(compact=True), 9)
    assert b"<EVENTXREF>0</EVENTXREF><SEQUENCE>9</SEQUENCE><EVENTDATA>" in numbered
    assert numbered.count(b"\r\n") == 1


async def test_a_reader_that_stalled_is_told_of_its_gap_and_then_goes_on_in_order() -> None:
    bus = EventBus(EventHistory(keep=100))
    async with xml_serving(Port.EVENTS, bus=bus) as serving:
        client = await subscribed(serving, EVENTCLASS="CALL", SEQUENCE="Y")
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport reads too
        total = 10_000
        for n in range(total):
            bus.publish(call(CallStarted, n))
            if n % 100 == 0:
                await client.writer.drain()  # lets the server write
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        seen, gaps = [0], []
        while seen[-1] != total:
            document = await client.read(END)
            if value_of(document, "EVENTTYPE") == "GAP":
                told = [int(value_of(document, name)) for name in ("COUNT", "FIRSTSEQUENCE", "LASTSEQUENCE")]
                gaps.append(told)
                assert told[1] == seen[-1] + 1  # it is told where it is
                assert told[2] - told[1] + 1 == told[0]
                seen.append(told[2])
            else:
                assert int(value_of(document, "SEQUENCE")) == seen[-1] + 1
                seen.append(seen[-1] + 1)
        assert sum(count for count, _, _ in gaps) == serving.proxy.dropped > 0
        await client.close()


async def test_the_write_buffer_is_bounded_whatever_is_taken_up() -> None:
    async with xml_serving(events=EventSettings(buffer_bytes=8192)) as serving:
        flood(serving.bus, 5000)
        client = await serving.connect(limit=1024)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        requests = b"".join(request(SINCE="0", EVENTXREF=str(n)) for n in range(20))
        await client.send(requests)
        (connection,) = serving.server._connections
        held = 0
        for _ in range(50):
            await asyncio.sleep(0.005)
            held = max(held, connection._transport.get_write_buffer_size())
            serving.bus.publish(saved())
        assert 0 < held < 8192 + 20 * 1024  # and the answers to 20 requests
        await client.close()


async def test_what_a_stalled_reader_loses_is_told_while_it_stalls(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "TELL_EVERY_S", 0.1)
    bus = EventBus(EventHistory(keep=50))
    async with xml_serving(Port.EVENTS, bus=bus, events=EventSettings(queue=10)) as serving:
        client = await serving.connect()
        client.writer.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await client.ask(request())
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        with caplog.at_level(logging.WARNING):
            while not serving.proxy.dropped:
                flood(bus, 20)
                await asyncio.sleep(0)
            await until(lambda: "reads too slowly" in caplog.text)
        await client.close()


async def test_a_reader_that_takes_nothing_for_long_is_hung_up_and_others_are_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = EventSettings(buffer_bytes=4096, stall_s=0.2)
    async with xml_serving(Port.EVENTS, events=settings) as serving:
        quick = await subscribed(serving)
        stalled = await subscribed(serving)
        stalled.writer.transport.pause_reading()  # type: ignore[attr-defined]
        with caplog.at_level(logging.WARNING):
            for n in range(8000):
                serving.bus.publish(call(CallStarted, n))
                await quick.read(END)
            await until(lambda: serving.proxy.hung_up == 1)
            await until(lambda: serving.bus.history.readers == 1)
        assert "took nothing for 0.2 s" in caplog.text
        serving.bus.publish(saved())
        assert value_of(await quick.read(END), "EVENTTYPE") == "RECORDINGUPDATE"
        await quick.close()
        await stalled.close()
