"""Who did what: kept behind the answer's back, and never lost without a word."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance import clock
from appliance.store import audit as module
from appliance.store.audit import Audit, AuditFilter
from appliance.store.store import Store


def _note(store: Store, what: str, **facts: object) -> None:
    store.audit.note(what, port="commands", peer="192.0.2.7:4711", after=facts)


@contextlib.contextmanager
def _locked(data: Path) -> Iterator[None]:
    other = sqlite3.connect(data / "linetap.db", isolation_level=None)
    other.execute("begin immediate")
    yield
    other.execute("rollback")
    other.close()


async def test_what_is_noted_is_kept_in_its_order(store: Store) -> None:
    _note(store, "IMPORTAGENT ADD", name="Ann", at=clock.now())
    store.audit.note("EXPORT", port="web", peer="192.0.2.8:1", before={"n": 1})
    assert await store.audit.flush()
    newest, oldest = await store.audit.newest()
    assert (oldest.what, oldest.port, oldest.peer) == ("IMPORTAGENT ADD", "commands", "192.0.2.7:4711")
    assert oldest.before is None
    assert oldest.after is not None
    assert oldest.after["name"] == "Ann"
    assert oldest.after["at"].startswith("20")
    assert (newest.before, newest.after) == ({"n": 1}, None)
    assert [entry.what for entry in await store.audit.newest(1)] == ["EXPORT"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"what": "export"}, ["EXPORT"]),
        ({"what": "IMPORT*"}, ["IMPORTAGENT ADD"]),
        ({"what": "*_%"}, []),
        ({"port": "web"}, ["EXPORT"]),
        ({"peer": "192.0.2.7"}, ["IMPORTAGENT ADD"]),
        ({"peer": "192.0.2.7:4711"}, ["IMPORTAGENT ADD"]),
        ({"peer": "192.0.2.*"}, ["EXPORT", "IMPORTAGENT ADD"]),
        ({"peer": "192.0.2"}, []),
        ({"who": "token crm"}, ["EXPORT"]),
        ({"who": "token *", "port": "commands"}, []),
        ({"since": clock.now() + dt.timedelta(days=1)}, []),
        ({"until": clock.now() - dt.timedelta(days=1)}, []),
        ({"since": clock.now() - dt.timedelta(days=1)}, ["EXPORT", "IMPORTAGENT ADD"]),
    ],
)
async def test_some_can_be_asked_for(store: Store, wanted: dict[str, Any], found: list[str]) -> None:
    _note(store, "IMPORTAGENT ADD")
    store.audit.note("EXPORT", port="web", peer="192.0.2.8:1", who="token crm")
    assert await store.audit.flush()
    entries = await store.audit.newest(wanted=AuditFilter(**wanted))
    assert [entry.what for entry in entries] == found


async def test_closing_writes_what_waits(tmp_path: Path) -> None:
    store = Store(tmp_path, 1)
    await store.open()
    _note(store, "ADDGROUP")
    await store.close()
    again = Store(tmp_path, 1)
    await again.open()
    assert [entry.what for entry in await again.audit.newest()] == ["ADDGROUP"]
    await again.close()


async def test_entries_wait_for_a_database_that_is_locked(store: Store, tmp_path: Path) -> None:
    with _locked(tmp_path / "data"):
        _note(store, "one")
        _note(store, "two")
        assert not await store.audit.flush()
        _note(store, "three")
    assert await store.audit.flush()
    assert [entry.what for entry in await store.audit.newest()] == ["three", "two", "one"]


async def test_the_task_writes_by_itself_and_tries_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "data", 1, busy_s=0.05)
    await store.open()
    audit = Audit(store._database, retry_s=0.05)
    task = asyncio.create_task(audit.run())
    with _locked(tmp_path / "data"):
        audit.note("ADDGROUP", port="commands", peer="")
        await asyncio.sleep(0.2)
    async with asyncio.timeout(10):
        while not await audit.newest():  # noqa: ASYNC110 - the task's doing, seen only by looking
            await asyncio.sleep(0.02)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await store.close()


async def test_two_writers_at_once_keep_each_entry_once(store: Store) -> None:
    for n in range(450):
        _note(store, f"{n}")
    assert all(await asyncio.gather(store.audit.flush(), store.audit.flush()))
    assert [entry.what for entry in await store.audit.newest()] == [f"{n}" for n in reversed(range(450))]


async def test_what_finds_no_place_stands_in_the_log(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 1)
    with caplog.at_level(logging.INFO):
        _note(store, "kept", name="line\nbreak")
        _note(store, "too many", name="x")
    assert "too many from 192.0.2.7:4711 stands in this log alone" in caplog.text
    assert 'audit: too many from 192.0.2.7:4711 on commands: null -> {"name": "x"}' in caplog.text
    assert '{"name": "line\\nbreak"}' in caplog.text
    await store.audit.flush()
    assert [entry.what for entry in await store.audit.newest()] == ["kept"]
