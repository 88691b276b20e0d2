from __future__ import annotations

import asyncio
import dataclasses
import logging
from typing import Any, cast

import httpx
import pytest

from appliance.bus.commands import Services, StartCall, UpdateCall
from appliance.errors import AddressError
from appliance.messages.samples import SampleBus, SampleExporter, sample_services
from appliance.settings.models import WebSettings
from appliance.webapi.app import web_api
from appliance.webapi.server import WebServer
from tests.unit.serving import WAIT_S, Endless, code_of, value_of, web_serving

EXPORT = "type=export&requestid=1&uniquefield=user2&uniqueid=Order+7782&media_format=mp3"


async def ask(method: str, target: str, services: Services | None = None, **options: Any) -> httpx.Response:
    async with web_serving(services) as server, httpx.AsyncClient(timeout=WAIT_S) as http:
        return await http.request(method, f"http://127.0.0.1:{server.port}{target}", **options)


async def told(method: str, target: str, **options: Any) -> Any:
    services = sample_services()
    answer = await ask(method, target, services, **options)
    assert code_of(answer.content) == 20, answer.text
    (command,) = cast("SampleBus", services.bus).sent
    return command


@pytest.mark.parametrize("page", ["/webAPI.aspx", "/webAPI.php", "/Webapi.aspx", "/WEBAPI.PHP"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_pages_in_any_letter_case(method: str, page: str) -> None:
    answer = await ask(method, f"{page}?type=test&requestid=5")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/xml"
    assert answer.content == (
        b"<RESULT>\r\n<REQUESTTYPE>TEST</REQUESTTYPE>\r\n<REQUESTID>5</REQUESTID>\r\n<RESULTTYPE>API_OK</RESULTTYPE>"
        b"\r\n<RESULTCODE>20</RESULTCODE>\r\n<RESULTMSG>API_OK</RESULTMSG>\r\n</RESULT>\r\n"
    )


@pytest.mark.parametrize("target", ["/", "/webapi", "/webapi.asp?type=test", "/x/webapi.aspx?type=test"])
async def test_other_pages_do_not_exist(target: str) -> None:
    assert (await ask("GET", target)).status_code == 404


async def test_post_with_query_and_empty_body_in_lower_case() -> None:
    target = "/Webapi.aspx?requestid=18213567&type=callupdate&deviceid=5551&user1=SpecialCall&keepdays=3650"
    command = await told("POST", target, content=b"")
    assert command == UpdateCall(
        device_id="5551", call_instance=None, fields={"user1": "SpecialCall", "keep_days": 3650}
    )


async def test_a_form_counts_before_the_query() -> None:
    command = await told(
        "POST",
        "/webapi.aspx?type=test&requestid=1&deviceid=1&user2=query",
        data={"type": "CALLSTART", "deviceid": "5", "user1": "a b&c"},
    )
    assert command == StartCall(device_id="5", fields={"user2": "query", "user1": "a b&c"})


@pytest.mark.parametrize(
    ("encoded", "text"),
    [
        ("Gold+Level", "Gold Level"),
        ("M%C3%BCller", "Müller"),
        ("M%FCller%80", "Müller€"),
        ("a%2Bb%26c%3Dd", "a+b&c=d"),
        ("100%", "100%"),
        ("++x%20", "x"),
        ("first&user1=last", "last"),
    ],
)
async def test_values_are_decoded(encoded: str, text: str) -> None:
    command = await told("GET", f"/webapi.aspx?type=callstart&requestid=1&deviceid=5&user1={encoded}")
    assert command.fields == {"user1": text}


async def test_control_characters_do_not_break_the_answer() -> None:
    answer = await ask("GET", "/webapi.aspx?type=%00%1b%0d%0a%3Cx&requestid=1")
    assert code_of(answer.content) == 10
    assert value_of(answer.content, "REQUESTTYPE") == "&#65533;&#65533;&#13;&#10;&lt;X"


async def test_api_errors_are_http_200() -> None:
    for query, code in (("", 15), ("type=nosuch", 10), ("type=events", 15), ("type=callstart", 14)):
        answer = await ask("GET", f"/webapi.aspx?{query}")
        assert (answer.status_code, code_of(answer.content)) == (200, code)


async def test_a_body_that_is_too_long_is_refused() -> None:
    services = sample_services()
    async with web_serving(services, max_message_bytes=1024) as server, httpx.AsyncClient(timeout=WAIT_S) as http:
        page = f"http://127.0.0.1:{server.port}/webapi.aspx"
        answer = await http.post(page, data={"type": "test", "user1": "x" * 2000})
        assert (answer.status_code, code_of(answer.content)) == (413, 16)
        assert code_of((await http.post(page, data={"type": "test"})).content) == 20


# --- EXPORT ---


async def test_export_gives_the_file() -> None:
    answer = await ask("GET", f"/webAPI.aspx?{EXPORT}")
    assert answer.content == b"octets of a file"
    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.headers["content-length"] == "16"
    assert 'attachment; filename="5552-13-04-05.mp3"' in answer.headers["content-disposition"]


async def test_export_of_unknown_length_is_chunked() -> None:
    services = dataclasses.replace(sample_services(), exporter=SampleExporter(length_known=False))
    answer = await ask("POST", f"/webAPI.php?{EXPORT}", services, headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer.content) == (200, b"octets of a file")
    assert "content-length" not in answer.headers


@pytest.mark.parametrize(
    ("wanted", "status", "octets"),
    [
        ("bytes=0-3", 206, b"octe"),
        ("bytes=4-", 206, b"ts of a file"),
        ("bytes=-4", 206, b"file"),
        ("bytes=7-99", 206, b"of a file"),
        ("Bytes=0-3", 206, b"octe"),
        ("bytes = 0 - 3", 206, b"octe"),
        ("bytes=-99", 206, b"octets of a file"),
        ("bytes=10-10", 206, b"a"),
        ("bytes=16-", 416, b""),
        ("bytes=16-20", 416, b""),
        ("bytes=-0", 416, b""),
        ("bytes=999999999999999999-", 416, b""),
        ("bytes=3-1", 200, b"octets of a file"),
        ("bytes=0-1,3-4", 200, b"octets of a file"),
        ("lines=1-2", 200, b"octets of a file"),
        ("bytes=-", 200, b"octets of a file"),
        ("bytes=a-b", 200, b"octets of a file"),
        ("bytes=", 200, b"octets of a file"),
        ("bytes=--4", 200, b"octets of a file"),
    ],
)
async def test_export_of_a_range(wanted: str, status: int, octets: bytes) -> None:
    answer = await ask("GET", f"/webAPI.aspx?{EXPORT}", headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (status, octets)
    assert answer.headers["content-length"] == str(len(octets))
    if status == 206:
        begin = b"octets of a file".index(octets)
        assert answer.headers["content-range"] == f"bytes {begin}-{begin + len(octets) - 1}/16"
    if status == 416:
        assert answer.headers["content-range"] == "bytes */16"


async def test_export_by_head_tells_all_but_the_octets() -> None:
    whole = await ask("GET", f"/webAPI.aspx?{EXPORT}")
    head = await ask("HEAD", f"/webAPI.aspx?{EXPORT}", headers={"Range": "bytes=0-3"})
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "content-disposition", "accept-ranges", "etag"):
        assert head.headers[name] == whole.headers[name]


async def test_parts_are_given_only_of_the_same_octets() -> None:
    version = (await ask("HEAD", f"/webAPI.aspx?{EXPORT}")).headers["etag"]
    for condition, status in ((version, 206), ('"another"', 200), ("Mon, 09 Mar 2026 13:04:05 GMT", 200)):
        headers = {"Range": "bytes=4-", "If-Range": condition}
        assert (await ask("GET", f"/webAPI.aspx?{EXPORT}", headers=headers)).status_code == status
    wav = (await ask("HEAD", f"/webAPI.aspx?{EXPORT.replace('mp3', 'wav')}")).headers["etag"]
    assert wav != version


async def test_a_part_is_given_to_get_alone() -> None:
    answer = await ask("POST", f"/webAPI.aspx?{EXPORT}", headers={"Range": "bytes=0-3"})
    assert (answer.status_code, answer.content) == (200, b"octets of a file")


async def test_head_of_a_message_is_done_and_answered_without_its_document() -> None:
    answer = await ask("HEAD", "/webapi.aspx?type=test&requestid=5")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 100


@pytest.mark.parametrize("encoded", [b"M%C3%BCller", b"M%FCller", "Müller".encode(), "Müller".encode("cp1252")])
async def test_a_form_is_read_in_utf_8_or_windows_1252(encoded: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=whatever"}
    body = b"type=callstart&requestid=1&deviceid=5&user1=" + encoded
    assert (await told("POST", "/webapi.aspx", content=body, headers=headers)).fields == {"user1": "Müller"}


async def test_export_that_fails_is_a_document() -> None:
    answer = await ask("GET", f"/webAPI.aspx?{EXPORT.replace('7782', '1')}")
    assert (answer.status_code, code_of(answer.content)) == (200, 41)
    assert answer.headers["content-type"] == "text/xml"


async def test_the_file_is_closed_when_the_client_goes_away() -> None:
    exporter = Endless()
    services = dataclasses.replace(sample_services(), exporter=cast("Any", exporter))
    async with web_serving(services) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"GET /webapi.aspx?{EXPORT} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert await asyncio.wait_for(reader.read(10), WAIT_S)
        writer.transport.abort()
        await asyncio.wait_for(exporter.closed.wait(), WAIT_S)


# --- the listener ---


async def test_addresses_outside_the_list_are_refused_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with web_serving(allow=("10.0.0.0/8",)) as server, httpx.AsyncClient(timeout=WAIT_S) as http:
        with caplog.at_level(logging.WARNING), pytest.raises(httpx.TransportError):
            await http.get(f"http://127.0.0.1:{server.port}/webapi.aspx?type=test")
    assert "not allowed" in caplog.text


async def test_more_connections_than_allowed_are_refused() -> None:
    async with web_serving(max_connections=1) as server:
        _, first = await asyncio.open_connection("127.0.0.1", server.port)
        await asyncio.sleep(0.05)
        async with httpx.AsyncClient(timeout=WAIT_S) as http:
            with pytest.raises(httpx.TransportError):
                await http.get(f"http://127.0.0.1:{server.port}/webapi.aspx?type=test")
            first.close()
            await first.wait_closed()
            await asyncio.sleep(0.05)
            assert (await http.get(f"http://127.0.0.1:{server.port}/webapi.aspx?type=test")).status_code == 200


async def test_a_connection_without_a_request_is_closed() -> None:
    async with web_serving(idle_s=0.1) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /webapi.aspx")
        assert await asyncio.wait_for(reader.read(), WAIT_S) == b""
        writer.close()
        await writer.wait_closed()


async def test_an_address_that_is_taken_is_told() -> None:
    async with web_serving() as server:
        second = WebServer(WebSettings(port=server.port), web_api(sample_services()))
        with pytest.raises(AddressError, match=rf"port web cannot listen on 127\.0\.0\.1:{server.port}: .* in use"):
            await second.start()


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
async def test_an_address_that_the_machine_does_not_have_is_told(host: str) -> None:
    server = WebServer(WebSettings(host=host, port=0), web_api(sample_services()))
    with pytest.raises(AddressError, match=rf"port web cannot listen on {host}:0: "):
        await server.start()
