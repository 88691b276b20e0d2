"""Requests of the shapes that integrators send, and the answers to them octet for octet.

``wire/<name>.request`` is what is sent and ``wire/<name>.answer`` what comes back; in both a line ends with LF in the
file and with CR LF on the wire. A ``.request`` that begins with a method goes over HTTP.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from appliance.calls.fields import CallFields
from appliance.eventproxy.printing import print_event
from appliance.events.types import CallStarted, CallStopped, Event, RecordingSaved, RecordingStarted, RecordingStopped
from appliance.settings.models import ApiSettings
from tests.unit.serving import WAIT_S, web_serving, xml_serving

WIRE = Path(__file__).parent / "wire"
NAMES = sorted(file.stem for file in WIRE.glob("*.request"))
AT = dt.datetime(2026, 3, 9, 22, 39, 9, tzinfo=dt.UTC)
FACTS = {"happened_at": AT, "core_id": 1, "device_id": "5551", "global_call_id": "000100000000019", "keep_days": 30}
FILE = "/rec/20260309/5551/5551-16-39-09.wav"
EVENTS: dict[str, Event] = {
    "callstart": CallStarted.model_validate(
        FACTS
        | {"global_call_id": "", "is_trunk": True, "fields": CallFields(agent_id="16", user15="é", station="PC<1>")}
    ),
    "callstop": CallStopped.model_validate(
        FACTS | {"keep_days": -1, "call_instance": "a", "fields": CallFields(agent_id="16", user10="ten", user11="el")}
    ),
    "recordingstarted": RecordingStarted.model_validate(
        FACTS | {"filename": FILE, "channel": 1, "fields": CallFields(user13="th", user14="fo", group="Claims")}
    ),
    "recordingstopped": RecordingStopped.model_validate(FACTS | {"record_id": 204, "fields": CallFields(user5="five")}),
    "recordingupdate": RecordingSaved.model_validate(
        FACTS | {"record_id": 204, "filename": FILE, "fields": CallFields()}
    ),
}


@pytest.fixture(autouse=True)
def zone() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "America/Chicago"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


def on_wire(name: str) -> bytes:
    return (WIRE / name).read_bytes().replace(b"\n", b"\r\n")


@pytest.mark.parametrize("name", NAMES)
async def test_request_and_answer(name: str) -> None:
    request = on_wire(f"{name}.request")
    answer = await (_by_http(request) if request.startswith((b"GET", b"POST")) else _by_tcp(request))
    assert answer == on_wire(f"{name}.answer")


@pytest.mark.parametrize("name", EVENTS)
def test_event(name: str) -> None:
    assert print_event(EVENTS[name], "0", ApiSettings()) == on_wire(f"{name}.event")


async def _by_tcp(request: bytes) -> bytes:
    async with xml_serving() as serving:
        client = await serving.connect()
        await client.send(request)
        client.writer.write_eof()
        answer = await client.rest()
        await client.close()
        return answer


async def _by_http(request: bytes) -> bytes:
    method, _, target = request.decode().strip().partition(" ")
    async with web_serving() as server, httpx.AsyncClient(timeout=WAIT_S) as http, asyncio.timeout(WAIT_S):
        return (await http.request(method, f"http://127.0.0.1:{server.port}{target}")).content
