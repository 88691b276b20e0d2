"""A desk that fills the registry, as integrators' scripts do: each request and its answer, octet for octet.

``registry/NN_<name>.request`` are played in their order against one database; lines as in ``test_wire``.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from appliance import clock
from appliance.bus.commands import Services
from appliance.bus.registry import Registry
from appliance.messages.samples import sample_services
from appliance.store.store import Store
from appliance.store.windows import Window
from tests.unit.serving import WAIT_S, web_serving, xml_serving

WIRE = Path(__file__).parent / "registry"
NAMES = sorted(file.stem for file in WIRE.glob("*.request"))
AT = dt.datetime(2026, 3, 9, 22, 5, 9, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def moment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """It is 5:05:09 PM in Chicago, and stays so."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "America/Chicago"
    time.tzset()
    monkeypatch.setattr(clock, "now", lambda: AT)
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


async def test_requests_and_answers(tmp_path: Path) -> None:
    store = Store(tmp_path, 1)
    await store.open()
    await store.windows.put(
        Window(
            computer_name="FRONTDESK",
            user_name="mreed",
            domain="office.example.com",
            ip_address="192.0.2.15",
            application_title="Order entry <2>",
            reported_at=AT,
        )
    )
    registry = Registry(store.agents, store.stations, store.groups, store.users, store.terms, store.windows)
    services = dataclasses.replace(sample_services(), registry=registry, audit=store.audit)
    answers = {name: await _answered(services, _on_wire(f"{name}.request")) for name in NAMES}
    await store.audit.flush()
    changes = [entry.what for entry in reversed(await store.audit.newest())]
    await store.close()
    for name, answer in answers.items():
        assert answer == _on_wire(f"{name}.answer"), name
    assert changes == [
        *("IMPORTAGENT ADD", "IMPORTAGENT MODIFY", "IMPORTAGENTPHONE ADD", "IMPORTAGENTPHONE ADD"),
        *("IMPORTSTATION ADD", "IMPORTSTATION ADD", "IMPORTSTATION ADD", "ADDGROUP", "MODIFYGROUPPERMISSION ADD"),
        *("IMPORTUSER ADD", "MODIFYUSERGROUPPERMISSION ADD", "IMPORTTERMINOLOGY MODIFY", "IMPORTAGENT DELETE"),
    ]


def _on_wire(name: str) -> bytes:
    return (WIRE / name).read_bytes().replace(b"\n", b"\r\n")


async def _answered(services: Services, request: bytes) -> bytes:
    if request.startswith(b"GET"):
        target = request.decode().split()[1]
        async with web_serving(services) as server, httpx.AsyncClient(timeout=WAIT_S) as http:
            return (await http.get(f"http://127.0.0.1:{server.port}{target}")).content
    async with xml_serving(services=services) as serving:
        client = await serving.connect()
        answer = await client.ask(request)
        await client.close()
        return answer
