"""What a client of the XML ports may take: connections, time, pace; and that a refusal is told and counted."""

from __future__ import annotations

import asyncio
import logging
import socket

import pytest

from appliance.messages.origin import Port
from appliance.ports.refusals import Reason
from tests.unit.serving import TEST, WAIT_S, code_of, until, xml_serving

OPENED = b"<REQUEST><TYPE>TEST</TYPE>"
SUBSCRIBE = b"<REQUEST><TYPE>EVENTS</TYPE><REQUESTID>0</REQUESTID></REQUEST>"


async def test_one_address_does_not_take_all_connections(caplog: pytest.LogCaptureFixture) -> None:
    async with xml_serving(max_connections_per_peer=2, max_connections=3) as serving:
        first, second = await serving.connect(), await serving.connect()
        third = await serving.connect()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await third.ask(TEST % 1)
        neighbour = await serving.connect(local_addr=("127.0.0.2", 0))
        assert code_of(await neighbour.ask(TEST % 2)) == 20
        assert serving.server.gate.refusals.counts == {Reason.PEER_CONNECTIONS: 1}
        assert "refused on port commands: too many connections of one peer: 127.0.0.1:" in caplog.text
        await first.close()
        await until(lambda: serving.server.connections == 2)
        again = await serving.connect()
        assert code_of(await again.ask(TEST % 3)) == 20
        for client in (second, third, neighbour, again):
            await client.close()


async def test_a_message_that_drips_in_is_refused_in_the_end() -> None:
    async with xml_serving(idle_s=5, request_s=0.3) as serving:
        client = await serving.connect()
        dripping = asyncio.create_task(drip(client.writer))
        assert code_of(await client.read()) == 16
        dripping.cancel()
        assert serving.server.gate.refusals.counts[Reason.UNFINISHED] == 1
        await client.close()


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(OPENED)
    while True:
        writer.write(b"<A/>")
        await asyncio.sleep(0.02)


async def test_the_time_of_a_message_begins_anew_with_the_next_one() -> None:
    async with xml_serving(idle_s=5, request_s=0.5) as serving:
        client = await serving.connect()
        rest = b"<REQUESTID>1</REQUESTID></REQUEST>"
        await client.send(OPENED)
        for _ in range(10):  # longer in all than one may take
            await asyncio.sleep(0.1)
            assert code_of(await client.ask(rest + OPENED)) == 20
        await client.close()


async def test_a_connection_that_says_nothing_is_closed_where_that_is_set() -> None:
    async with xml_serving(silent_s=0.2) as serving:
        mute, slow = await serving.connect(), await serving.connect()
        assert code_of(await slow.ask(TEST % 1)) == 20
        assert await mute.rest() == b""
        assert await slow.rest() == b""
        assert serving.server.gate.refusals.counts == {Reason.SILENT: 2}
        await mute.close()
        await slow.close()


@pytest.mark.parametrize("port", [Port.COMMANDS, Port.EVENTS])
async def test_a_subscriber_is_right_to_say_nothing(port: Port) -> None:
    async with xml_serving(port, silent_s=0.1) as serving:
        client = await serving.connect()
        assert code_of(await client.ask(SUBSCRIBE)) == 20
        await asyncio.sleep(0.4)
        assert code_of(await client.ask(TEST % 1)) == 20
        await client.close()


async def test_who_asks_too_fast_waits_and_nothing_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    async with xml_serving(max_requests_per_s=20) as serving:
        fast = await serving.connect()
        await fast.send(b"".join(TEST % n for n in range(210)))
        neighbour = await serving.connect(local_addr=("127.0.0.2", 0))
        for n in range(205):
            assert code_of(await fast.read()) == 20
            if n == 200:  # those of the burst are answered
                assert code_of(await neighbour.ask(TEST % n)) == 20
        assert serving.server.gate.refusals.counts[Reason.RATE] >= 5
        assert "too many requests: 127.0.0.1:" in caplog.text
        await fast.close()
        await neighbour.close()


async def test_a_flood_of_refusals_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with xml_serving() as serving:
        client = await serving.connect()
        await client.send(b"garbage\r\n" * 500 + b"<NOSUCH/>" * 500)
        for _ in range(1000):
            await client.read()
        with caplog.at_level(logging.INFO):
            await client.close()
        assert serving.server.gate.refusals.counts[Reason.NO_MESSAGE] == 500
        assert len(caplog.records) < 150
    assert "refused on port commands: no message: 480 more" in caplog.text


async def test_each_port_has_a_list_of_its_own() -> None:
    async with (
        xml_serving(Port.COMMANDS, allow=("127.0.0.1/32",)) as commands,
        xml_serving(Port.EVENTS, allow=("127.0.0.2/32",)) as events,
    ):
        for serving, source, let_in in (
            (commands, "127.0.0.1", True),
            (commands, "127.0.0.2", False),
            (events, "127.0.0.1", False),
            (events, "127.0.0.2", True),
        ):
            client = await serving.connect(local_addr=(source, 0))
            client.writer.write(TEST % 1)
            answered = True
            try:
                answered = bool(await client.read())
            except (ConnectionError, asyncio.IncompleteReadError):
                answered = False
            assert answered is let_in, (serving.server.name, source)
            await client.close()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
async def test_an_ipv4_client_of_an_ipv6_listener_counts_as_ipv4(caplog: pytest.LogCaptureFixture) -> None:
    for allow, let_in in ((("127.0.0.1/32",), True), (("::/0",), False)):
        async with xml_serving(host="::", allow=allow) as serving:
            client = await serving.connect()  # to 127.0.0.1
            client.writer.write(TEST % 1)
            try:
                assert code_of(await client.read()) == 20
                assert let_in
            except (ConnectionError, asyncio.IncompleteReadError):
                assert not let_in
            await client.close()
    assert "address is not allowed: 127.0.0.1:" in caplog.text


async def test_a_type_that_would_break_the_log_is_quoted(caplog: pytest.LogCaptureFixture) -> None:
    async with xml_serving() as serving:
        client = await serving.connect()
        with caplog.at_level(logging.INFO):
            await client.ask(b"<REQUEST><TYPE>A&#10;audit: forged" + b"x" * 500 + b"</TYPE></REQUEST>")
        line = next(r.getMessage() for r in caplog.records if "refused: " in r.getMessage())
        assert "\n" not in line
        assert len(line) < 200
        await client.close()


async def test_the_port_of_a_name_is_the_same_on_all_its_addresses() -> None:
    async with xml_serving(host="localhost") as serving:
        for family in {info[0] for info in await asyncio.get_running_loop().getaddrinfo("localhost", 0)}:
            reader, writer = await asyncio.open_connection("localhost", serving.server.port, family=family)
            writer.write(TEST % 1)
            assert code_of(await asyncio.wait_for(reader.readuntil(b"</RESULT>"), WAIT_S)) == 20
            writer.close()
            await writer.wait_closed()
