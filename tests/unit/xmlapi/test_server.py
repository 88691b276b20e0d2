from __future__ import annotations

import asyncio
import dataclasses
import logging
import socket
import struct
from typing import Any

import pytest

from appliance.bus.commands import Command, Delivery
from appliance.messages.samples import sample_services
from appliance.xmlapi.server import XmlServer
from tests.unit.serving import TEST, WAIT_S, Client, code_of, until, value_of, xml_serving

START = b"<REQUEST><TYPE>CALLSTART</TYPE><REQUESTID>%d</REQUESTID><DEVICEID>5</DEVICEID></REQUEST>"
OPENED = b"<REQUEST><TYPE>TEST</TYPE>"


class GatedBus:
    """Holds every command back until the gate is opened."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.begun = asyncio.Event()
        self.done: list[Command] = []

    async def send(self, command: Command) -> Delivery:
        self.begun.set()
        await self.gate.wait()
        self.done.append(command)
        return Delivery(reached=(1,))


def gated() -> tuple[GatedBus, Any]:
    bus = GatedBus()
    return bus, dataclasses.replace(sample_services(), bus=bus)


def cut(client: Client) -> None:
    """Break the connection by RST."""
    sock = client.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.writer.transport.abort()


async def test_answers_come_in_order_over_one_connection_also_when_one_has_to_wait() -> None:
    bus, services = gated()
    async with xml_serving(services=services) as serving:
        client = await serving.connect()
        await client.send(TEST % 1 + START % 2 + TEST % 3 + b"\r\ngarbage\r\n" + TEST % 4)
        assert value_of(await client.read(), "REQUESTID") == "1"
        await bus.begun.wait()
        bus.gate.set()
        assert [code_of(await client.read()) for _ in range(4)] == [20, 20, 16, 20]
        await client.close()


async def test_ten_thousand_pipelined_requests_are_all_answered() -> None:
    async with xml_serving() as serving:
        client = await serving.connect()
        sending = asyncio.create_task(client.send(b"\r\n".join(TEST % n for n in range(10_000))))
        for n in range(10_000):
            assert value_of(await client.read(), "REQUESTID") == str(n)
        await sending
        await client.close()


async def test_a_client_that_reads_nothing_holds_up_nobody_and_costs_little_memory() -> None:
    async with xml_serving() as serving:
        deaf = await serving.connect()
        deaf.writer.transport.set_write_buffer_limits(high=1 << 30)
        deaf.writer.write(b"".join(TEST % n for n in range(400_000)))
        client = await serving.connect()
        for n in range(200):
            assert code_of(await client.ask(TEST % n)) == 20
        held = next(c for c in serving.server._connections if c.peer.endswith(str(_port_of(deaf))))
        assert held._transport.get_write_buffer_size() < 4 << 20
        assert len(held._waiting) < 20_000
        deaf.writer.transport.abort()
        await client.close()


async def test_a_request_whose_client_is_gone_is_carried_out() -> None:
    bus, services = gated()
    async with xml_serving(services=services) as serving:
        client = await serving.connect()
        await client.send(START % 1 + START % 2)
        await asyncio.wait_for(bus.begun.wait(), WAIT_S)
        cut(client)
        await until(lambda: serving.server.connections == 0)
        bus.gate.set()
        await until(lambda: len(bus.done) == 2)


async def test_a_client_that_is_gone_before_its_events_request_is_carried_out_leaves_no_subscription() -> None:
    bus, services = gated()
    async with xml_serving(services=services) as serving:
        client = await serving.connect()
        await client.send(START % 1 + b"<EVENTS><REQUESTID>2</REQUESTID></EVENTS>" + START % 3)
        await asyncio.wait_for(bus.begun.wait(), WAIT_S)
        cut(client)
        await until(lambda: serving.server.connections == 0)
        bus.gate.set()
        await until(lambda: len(bus.done) == 2)
        await until(lambda: serving.bus.history.readers == 0)


async def test_half_close_is_answered_in_full_then_closed() -> None:
    bus, services = gated()
    async with xml_serving(services=services) as serving:
        client = await serving.connect()
        await client.send(START % 1 + TEST % 2 + OPENED)
        client.writer.write_eof()
        await asyncio.wait_for(bus.begun.wait(), WAIT_S)
        bus.gate.set()
        answers = (await client.rest()).split(b"</RESULT>\r\n")
        assert [code_of(a) for a in answers[:-1]] == [20, 20, 16]
        assert answers[-1] == b""
        await client.close()


async def test_a_message_that_does_not_end_is_refused_after_the_idle_time_and_the_connection_stays() -> None:
    async with xml_serving(idle_s=0.2) as serving:
        client = await serving.connect()
        await client.send(OPENED)
        assert code_of(await client.read()) == 16
        assert code_of(await client.ask(TEST % 2)) == 20
        await client.close()


async def test_silence_between_messages_is_allowed() -> None:
    async with xml_serving(idle_s=0.1) as serving:
        client = await serving.connect()
        assert code_of(await client.ask(TEST % 1 + b"\r\n")) == 20
        await asyncio.sleep(0.4)
        assert code_of(await client.ask(TEST % 2)) == 20
        await client.close()


async def test_ten_megabytes_without_an_end_are_answered_with_16_and_the_connection_closes() -> None:
    async with xml_serving() as serving:
        client = await serving.connect()
        client.writer.write(b"<REQUEST><USER1>" + b"x" * (10 << 20))
        answer = await client.rest()
        assert code_of(answer) == 16
        assert answer.count(b"<RESULT>") == 1
        await client.close()
        other = await serving.connect()
        assert code_of(await other.ask(TEST % 1)) == 20
        await other.close()


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"half a message\r\n", 16),
        (b"<!DOCTYPE r [<!ENTITY a 'b'>]><REQUEST><TYPE>TEST</TYPE></REQUEST>", 16),
        (b"<REQUEST><A></REQUEST>", 16),
        (TEST % 2147483648, 14),
        (TEST % 2147483647, 20),
        (b"<TEST/>", 20),
        (b"<REQUEST/>", 15),
        (b"<NOSUCH/>", 10),
    ],
)
async def test_bad_input_is_answered_and_the_next_request_too(octets: bytes, code: int) -> None:
    async with xml_serving() as serving:
        client = await serving.connect()
        assert code_of(await client.ask(octets)) == code
        assert code_of(await client.ask(TEST % 5)) == 20
        await client.close()


async def test_addresses_outside_the_list_are_refused_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with xml_serving(allow=("10.1.0.0/16",)) as serving:
        with caplog.at_level(logging.WARNING):
            assert await refused(serving.server)
        assert serving.server.refused == 1
        assert "127.0.0.1" in caplog.text
        assert "not allowed" in caplog.text


async def test_more_connections_than_allowed_are_refused_until_one_leaves() -> None:
    async with xml_serving(max_connections=2) as serving:
        first, second = await serving.connect(), await serving.connect()
        for n, client in enumerate((first, second)):
            assert code_of(await client.ask(TEST % n)) == 20
        assert await refused(serving.server)
        await first.close()
        await until(lambda: serving.server.connections == 1)
        third = await serving.connect()
        assert code_of(await third.ask(TEST % 3)) == 20
        await second.close()
        await third.close()


async def test_compact_answers_are_one_line() -> None:
    async with xml_serving(compact=True) as serving:
        client = await serving.connect()
        await client.send(TEST % 1)
        line = await asyncio.wait_for(client.reader.readline(), WAIT_S)
        assert line.endswith(b"</RESULT>\r\n")
        assert code_of(line) == 20
        await client.close()


async def test_stopping_answers_what_has_come() -> None:
    bus, services = gated()
    async with xml_serving(services=services) as serving:
        client = await serving.connect()
        await client.send(START % 1)
        await asyncio.wait_for(bus.begun.wait(), WAIT_S)
        stopping = asyncio.create_task(serving.server.stop())
        await asyncio.sleep(0)
        bus.gate.set()
        assert code_of(await client.rest()) == 20
        await stopping
        await client.close()


async def refused(server: XmlServer) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    client = Client(reader, writer)
    try:
        return await client.rest() == b""
    except ConnectionError:
        return True
    finally:
        await client.close()


def _port_of(client: Client) -> int:
    port: int = client.writer.get_extra_info("sockname")[1]
    return port
