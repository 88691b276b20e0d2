"""What a client of the HTTP ports may take: connections, time, pace."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from typing import Any, cast

import httpx
import pytest

from appliance.messages.samples import sample_services
from appliance.ports.refusals import Reason
from tests.unit.serving import WAIT_S, Endless, code_of, until, web_serving

TEST = "/webapi.aspx?type=test&requestid=1"
EXPORT = "/webapi.aspx?type=export&requestid=1&uniquefield=user2&uniqueid=Order+7782&media_format=mp3"


async def closes(reader: asyncio.StreamReader) -> bool:
    try:
        return await asyncio.wait_for(reader.read(), WAIT_S) == b""
    except ConnectionError:
        return True


async def drip(writer: asyncio.StreamWriter, octets: bytes) -> None:
    while True:
        writer.write(octets)
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"GET /webapi.aspx?type=test HTTP/1.1\r\nHost: a\r\n", b"X-A: b\r\n"),
        (
            b"POST /webapi.aspx HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n",
            b"a=b&",
        ),
    ],
    ids=["head", "body"],
)
async def test_a_slow_loris_is_ended_and_holds_up_nobody(begin: bytes, more: bytes) -> None:
    async with web_serving(idle_s=5, request_s=0.4) as server:
        slow = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(20)]
        dripping = []
        for _, writer in slow:
            writer.write(begin)
            dripping.append(asyncio.create_task(drip(writer, more)))
        async with httpx.AsyncClient(timeout=WAIT_S) as http:
            assert code_of((await http.get(f"http://127.0.0.1:{server.port}{TEST}")).content) == 20
        assert all([await closes(reader) for reader, _ in slow])
        for task in dripping:
            task.cancel()
        assert server.gate.refusals.counts[Reason.UNFINISHED] == 20
        for _, writer in slow:
            writer.close()
        await until(lambda: server.gate.connections == 0)


async def test_a_connection_that_says_nothing_is_closed_before_and_after_a_request() -> None:
    async with web_serving(silent_s=0.2, idle_s=60) as server:
        mute, _ = mute_pair = await asyncio.open_connection("127.0.0.1", server.port)
        assert await closes(mute)
        assert server.gate.refusals.counts == {Reason.SILENT: 1}
        mute_pair[1].close()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"GET {TEST} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert b"API_OK" in await asyncio.wait_for(reader.read(), WAIT_S)  # closed by the box
        writer.close()
        await writer.wait_closed()


async def test_a_client_that_takes_no_octet_of_its_file_is_ended() -> None:
    exporter = Endless()
    services = dataclasses.replace(sample_services(), exporter=cast("Any", exporter))
    async with web_serving(services, silent_s=0.3) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as deaf:
            deaf.sendall(f"GET {EXPORT} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            await asyncio.wait_for(exporter.closed.wait(), WAIT_S)
        assert server.gate.refusals.counts == {Reason.STALLED: 1}


async def test_who_asks_too_fast_is_told_so_and_when_to_come_again() -> None:
    async with web_serving(max_requests_per_s=1) as server, httpx.AsyncClient(timeout=WAIT_S) as http:
        answers = [await http.get(f"http://127.0.0.1:{server.port}{TEST}") for _ in range(12)]
        assert [a.status_code for a in answers[:10]] == [200] * 10
        late = answers[-1]
        assert (late.status_code, code_of(late.content), late.headers["retry-after"]) == (429, 11, "1")
        assert late.headers["content-type"] == "text/xml"
        assert server.gate.refusals.counts[Reason.RATE] >= 1


async def test_one_address_does_not_take_all_connections() -> None:
    async with web_serving(max_connections_per_peer=1) as server:
        _, first = await asyncio.open_connection("127.0.0.1", server.port)
        await until(lambda: server.gate.connections == 1)
        reader, second = await asyncio.open_connection("127.0.0.1", server.port)
        assert await closes(reader)
        assert server.gate.refusals.counts == {Reason.PEER_CONNECTIONS: 1}
        for writer in (first, second):
            writer.close()


async def test_what_is_no_http_is_refused_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    async with web_serving() as server:
        for _ in range(50):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"\x00\x01\x02 no http\r\n\r\n")
            assert b"400" in await asyncio.wait_for(reader.read(), WAIT_S)
            writer.close()
        assert server.gate.refusals.counts == {Reason.NO_MESSAGE: 50}
        assert len(caplog.records) < 30


async def test_a_query_is_as_long_as_a_body_may_be() -> None:
    async with web_serving() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"GET {TEST}&user15={'x' * 120_000} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert b"<RESULTCODE>20" in await asyncio.wait_for(reader.readuntil(b"</RESULT>"), WAIT_S)
        writer.close()
