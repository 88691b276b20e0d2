"""The same values give the same result by XML and by HTTP: the whole document, and all that was done."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance import clock
from appliance.bus.commands import Services
from appliance.messages.dispatch import dispatch
from appliance.messages.origin import Origin, Port
from appliance.messages.printing import print_result
from appliance.messages.request import Request
from appliance.messages.sample_registry import SampleAudit
from appliance.messages.samples import sample_services
from appliance.webapi.query import read_values
from appliance.xmlapi.codec import decode
from tests.unit.messages.drawn import KINDS, REQUEST_IDS, values_of

BOTH = [kind for kind in KINDS if {Port.COMMANDS, Port.WEB} <= kind.ports]
AT = dt.datetime(2026, 3, 9, 13, 4, 5, tzinfo=dt.UTC)


@pytest.fixture(autouse=True, scope="module")
def moment() -> Iterator[None]:
    """It is always the same moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: AT)
        patch.setattr(clock, "monotonic_s", lambda: 1000.0)
        yield


def by_xml(values: dict[str, str]) -> dict[str, str]:
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())
    return decode(f"<REQUEST>{inner}</REQUEST>".encode())


def by_query(values: dict[str, str], *, lower: bool) -> bytes:
    return "&".join(f"{n.lower() if lower else n}={quote_plus(v)}" for n, v in values.items()).encode()


def answered(values: dict[str, str], port: Port) -> tuple[bytes, bytes, dict[str, Any]]:
    """Give the answer, the attachment's octets, and what the services keep now."""
    services = sample_services()

    async def ask() -> tuple[bytes, bytes]:
        result = await dispatch(values, services, Origin(port, "peer"))
        attached = [piece async for piece in result.attachment.chunks] if result.attachment else []
        return print_result(result), b"".join(attached)

    return *asyncio.run(ask()), kept_by(services)


def kept_by(services: Services) -> dict[str, Any]:
    """Give all that the sample services remember of a request, but for the port that it came by."""
    kept = {name: getattr(services, name) for name in ("bus", "records", "mail", "playback", "registry")}
    return {**kept, "audit": cast("SampleAudit", services.audit).noted}


@pytest.mark.parametrize("kind", KINDS, ids=Request.wire_name.__func__)  # type: ignore[attr-defined]
def test_xml_and_http_give_the_same_result(kind: type[Request]) -> None:
    @settings(max_examples=25)
    @given(values_of(kind), REQUEST_IDS, st.booleans(), st.booleans())
    def same(parameters: dict[str, str], request_id: str, lower: bool, form: bool) -> None:  # noqa: FBT001 - drawn
        values = {"TYPE": kind.wire_name(), "REQUESTID": request_id, **parameters}
        query = by_query(values, lower=lower)
        read = read_values(b"", query) if form else read_values(query)
        assert read == by_xml(values)
        if kind in BOTH:
            assert answered(read, Port.WEB) == answered(by_xml(values), Port.COMMANDS)

    same()


def test_a_different_effect_would_be_told() -> None:
    values = {"TYPE": "CALLSTART", "REQUESTID": "1", "DEVICEID": "5551"}
    assert answered(values, Port.WEB) == answered(values, Port.WEB)
    assert answered(values, Port.WEB) != answered(values | {"GATE": "9"}, Port.WEB)
    assert answered(values, Port.WEB) != answered(values | {"REQUESTID": "2"}, Port.WEB)
