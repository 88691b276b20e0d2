"""A message type is added by one file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import appliance.messages.types
from appliance.messages.catalog import CatalogError, catalog
from appliance.messages.reference import reference
from tests.unit.serving import code_of, value_of, web_serving, xml_serving

GREET = '''
"""GREET."""

from __future__ import annotations

from typing import Annotated

from appliance.bus.commands import Services
from appliance.messages.origin import Origin
from appliance.messages.parameter import Text
from appliance.messages.request import Request
from appliance.messages.result import Result


class Greet(Request):
    """Greets."""

    name: Annotated[str | None, Text("whom to greet", length=5, required=True)] = None

    async def answer(self, services: Services, origin: Origin) -> Result:
        return self.result(body=(("GREETING", f"Hello {self.name}"),))
'''


@pytest.fixture
def drop_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a folder whose modules are message types."""
    paths = [*appliance.messages.types.__path__, str(tmp_path)]
    monkeypatch.setattr(appliance.messages.types, "__path__", paths)
    catalog.cache_clear()
    yield tmp_path
    catalog.cache_clear()
    for file in tmp_path.glob("*.py"):
        sys.modules.pop(f"appliance.messages.types.{file.stem}", None)


async def test_a_dropped_in_file_is_served_on_tcp_and_http(drop_in: Path) -> None:
    (drop_in / "greet.py").write_text(GREET)
    async with xml_serving() as serving:
        client = await serving.connect()
        answer = await client.ask(b"<GREET><NAME>A &amp; Bobby</NAME></GREET>")
        assert value_of(answer, "GREETING") == "Hello A &amp; B"
        assert code_of(await client.ask(b"<GREET><NAME> </NAME></GREET>")) == 26
        await client.close()
    async with web_serving() as server, httpx.AsyncClient() as http:
        answer = (await http.get(f"http://127.0.0.1:{server.port}/webapi.php?type=greet&name=Ann")).content
        assert value_of(answer, "GREETING") == "Hello Ann"


def test_a_dropped_in_file_stands_in_the_reference(drop_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "## GREET" not in reference()
    (drop_in / "greet.py").write_text(GREET)
    catalog.cache_clear()
    text = reference()
    assert "## GREET\n\nGreets." in text
    assert "| NAME (required) |" in text


def test_a_module_without_a_message_type_is_a_fault(drop_in: Path) -> None:
    (drop_in / "empty.py").write_text("")
    with pytest.raises(CatalogError, match="declares 0"):
        catalog()
