"""Pages of a port that asks for a token."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import httpx
import pytest

from appliance import clock
from appliance.messages.sample_registry import SampleAudit
from appliance.messages.samples import sample_services
from appliance.ports.refusals import Reason
from appliance.ports.tokens import TokenFile
from tests.unit.serving import WAIT_S, code_of, web_serving

TEST = "/webapi.aspx?type=test&requestid=1"


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "tokens.json")


async def status(file: TokenFile | None, target: str = TEST, *, header: str = "", **settings: Any) -> int:
    headers = {"Authorization": header} if header else {}
    async with web_serving(tokens_file=file, tokens=True, **settings) as server:
        async with httpx.AsyncClient(timeout=WAIT_S, headers=headers) as http:
            answer = await http.get(f"http://127.0.0.1:{server.port}{target}")
        assert server.gate.refusals.counts[Reason.TOKEN] == (answer.status_code == 401)
        if answer.status_code == 401:
            assert code_of(answer.content) == 11
            assert answer.headers["www-authenticate"].startswith("Bearer ")
        return answer.status_code


async def test_by_header(file: TokenFile) -> None:
    text = file.add("crm")
    basic = httpx.BasicAuth("anybody", text)._auth_header
    for good in (f"Bearer {text}", f"bearer  {text}", basic):
        assert await status(file, header=good) == 200
    for bad in ("", "Bearer", "Bearer x", f"Bearer {text}x", f"Token {text}", "Basic x", "Basic !", text):
        assert await status(file, header=bad) == 401


async def test_by_query_only_where_that_is_set(file: TokenFile) -> None:
    text = file.add("crm")
    assert await status(file, f"{TEST}&token={text}") == 401
    assert await status(file, f"{TEST}&token={text}", query_tokens=True) == 200
    assert await status(file, f"{TEST}&Token={text}x", query_tokens=True) == 401


async def test_an_expired_token_is_refused_and_the_log_says_why(
    file: TokenFile, caplog: pytest.LogCaptureFixture
) -> None:
    text = file.add("crm", clock.now() - dt.timedelta(seconds=1))
    assert await status(file, header=f"Bearer {text}") == 401
    assert "refused on port web: no valid token: 127.0.0.1:" in caplog.text
    assert "crm expired at" in caplog.text
    assert text not in caplog.text


@pytest.mark.parametrize("target", ["/metrics", "/nosuch", "/webapi.aspx"])
async def test_every_page_asks_for_it(file: TokenFile, target: str) -> None:
    assert await status(file, target) == 401


async def test_a_port_without_a_file_lets_nobody_in() -> None:
    assert await status(None, header="Bearer x") == 401


async def test_the_audit_names_the_token(file: TokenFile, monkeypatch: pytest.MonkeyPatch) -> None:
    services, who = sample_services(), list[str]()

    def note(_: SampleAudit, what: str, **facts: Any) -> None:
        who.append(f"{what} by {facts['who']}")

    monkeypatch.setattr(SampleAudit, "note", note)
    text = file.add("crm")
    async with web_serving(services, file, tokens=True) as server, httpx.AsyncClient(timeout=WAIT_S) as http:
        await http.get(
            f"http://127.0.0.1:{server.port}/webapi.aspx?type=addgroup&requestid=1&groupname=Night",
            headers={"Authorization": f"Bearer {text}"},
        )
    assert who == ["ADDGROUP by token crm"]
