"""UNIQUEFIELD is one of the columns and nothing else, in every message that has it, against the real store."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from appliance.messages.dispatch import dispatch
from appliance.messages.origin import Origin, Port
from appliance.messages.samples import sample_recording, sample_services
from appliance.store.store import Store

MESSAGES = {
    "EXPORT": {"MEDIA_FORMAT": "mp3"},
    "EMAIL": {"MEDIA_FORMAT": "mp3", "TOADDRESS": "ann@example.com"},
    "EXTENSIONPLAYBACKSTART": {"DEVICE": "5551"},
}
NO_COLUMNS = (
    *("shoe", "user2;drop table recordings", "user2' or '1'='1", "1=1", "user2--", "user2,user3", "*", "%"),
    *("rowid", "_rowid_", "sqlite_master", "_meta", "__class__", "DoesNotExist", "recordings.user2", '"user2"'),
    *("user16", "user0", "filename_sidecar", "users", "usér2", "user2\0", "user2\n", "user 2"),
)


async def code(store: Store, kind: str, field: str, value: str) -> int:
    services = dataclasses.replace(sample_services(), records=store.records)
    values = {"TYPE": kind, "REQUESTID": "1", "UNIQUEFIELD": field, "UNIQUEID": value, **MESSAGES[kind]}
    return (await dispatch(values, services, Origin(Port.WEB, ""))).code


@pytest.fixture
async def store(tmp_path: Path) -> Store:
    opened = Store(tmp_path / "data", 1)
    await opened.open()
    await opened.records.save(sample_recording())
    return opened


@pytest.mark.parametrize("kind", MESSAGES)
async def test_anything_else_is_refused(store: Store, kind: str) -> None:
    for field in NO_COLUMNS:
        assert await code(store, kind, field, "Order 7782") == 11, field
    assert await code(store, kind, "x" * 65, "Order 7782") == 11
    await store.close()


@pytest.mark.parametrize("kind", MESSAGES)
async def test_a_value_is_a_value(store: Store, kind: str) -> None:
    for value in ("x' or 1=1 --", "%", "_", "*", "Order%", "Order 778?", "' union select 1 --", "Order 7782\0"):
        assert await code(store, kind, "user2", value) == 41, value
    assert await code(store, kind, "USER2", "Order 7782") == 20
    await store.close()
