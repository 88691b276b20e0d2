"""The reference of the WebAPI: complete, made from the declarations, and a form that machines read."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from fastapi.openapi.models import OpenAPI

from appliance.errors import ResultCode
from appliance.messages.request import Request
from appliance.webapi.openapi import document, web_types
from appliance.webapi.reference_page import page
from tests.unit.serving import WAIT_S, web_serving


async def fetched(target: str, method: str = "GET") -> httpx.Response:
    async with web_serving() as server, httpx.AsyncClient(timeout=WAIT_S, follow_redirects=True) as http:
        return await http.request(method, f"http://127.0.0.1:{server.port}{target}")


def schema(kind: type[Request]) -> dict[str, Any]:
    found: dict[str, Any] = document()["components"]["schemas"][kind.wire_name()]
    return found


def test_it_has_the_form_of_openapi() -> None:
    OpenAPI.model_validate(document())


@pytest.mark.parametrize("kind", web_types(), ids=lambda kind: kind.wire_name())
def test_every_message_is_whole(kind: type[Request]) -> None:
    told = schema(kind)
    names = {parameter.name or field.upper() for field, parameter in kind.parameters.items()}
    assert set(told["properties"]) == {"type", "requestid"} | {name.lower() for name in names}
    assert set(told["required"]) <= set(told["properties"])
    chapter = re.search(rf'<section id="{kind.wire_name()}">.*?</section>', page(), re.DOTALL)
    assert chapter
    for name in names:
        assert f'name="{name.lower()}"' in chapter[0]
    labels = {label for line in kind.returns for label in re.findall(r"^API_[A-Z_]+", line)}
    for label in labels & set(ResultCode.__members__):
        assert f"{ResultCode[label].value} {label}" in chapter[0]


@pytest.mark.parametrize("kind", web_types(), ids=lambda kind: kind.wire_name())
def test_samples_keep_to_their_schema(kind: type[Request]) -> None:
    told = schema(kind)
    for sample in told["examples"]:
        synonyms = {s for one in told["properties"].values() for s in one.get("x-synonyms", ())}
        for name, value in sample.items():
            assert name in told["properties"] or name in synonyms, name
            limits = told["properties"].get(name, {})
            assert len(value) <= limits.get("maxLength", 10_000)
            if "enum" in limits:
                assert value.upper() in limits["enum"]


async def test_it_is_served() -> None:
    answer = await fetched("/docs/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == document()
    for target, kind in (
        ("/docs", "text/html"),
        ("/docs/", "text/html"),
        ("/docs/reference.css", "text/css"),
        ("/docs/reference.js", "text/javascript"),
    ):
        answer = await fetched(target)
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, kind)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert (await fetched(target, "HEAD")).status_code == 200


@pytest.mark.parametrize(
    "target", ["/docs/x", "/docs/../webapi/app.py", "/docs/%2e%2e/app.py", "/docs/pages/reference.js"]
)
async def test_nothing_else_is(target: str) -> None:
    assert (await fetched(target)).status_code == 404


def test_the_page_names_nothing_outside() -> None:
    assert "//" not in re.sub(r"<!doctype html>", "", page())
