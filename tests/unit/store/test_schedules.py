"""Schedules that were added to a box."""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path
from typing import Any

import peewee
import pytest

from appliance.settings.models import ScheduleSettings
from appliance.store.schedules import open_schedules
from appliance.store.store import Store
from appliance.store.tables import ScheduleRow

AT = dt.datetime(2026, 3, 9, 12, 0, tzinfo=dt.UTC)


async def names(store: Store) -> list[str]:
    return [one.settings.name for one in await store.schedules.all()]


async def test_schedules_keep_their_order_and_every_key(store: Store) -> None:
    vip = ScheduleSettings(name="VIP", kind="set_number", count=3, match={"group": "é*"}, weekdays=(1, 7))
    assert await store.schedules.add(vip, AT)
    assert await store.schedules.add(ScheduleSettings(name="all"), AT)
    assert not await store.schedules.add(ScheduleSettings(name="vip"), AT)
    first, _ = await store.schedules.all()
    assert (first.settings, first.added_at, first.modified_at) == (vip, AT, AT)
    later = AT + dt.timedelta(hours=1)
    assert await store.schedules.replace("vip", ScheduleSettings(name="Gold"), later)
    assert await names(store) == ["Gold", "all"]
    assert (await store.schedules.all())[0].modified_at == later
    assert not await store.schedules.replace("gold", ScheduleSettings(name="ALL"), later)
    assert not await store.schedules.replace("vip", ScheduleSettings(name="x"), later)
    assert await store.schedules.remove("GOLD")
    assert not await store.schedules.remove("GOLD")
    assert await names(store) == ["all"]


async def test_schedules_survive_a_restart(tmp_path: Path) -> None:
    async with open_schedules(tmp_path) as (schedules, audit):
        await schedules.add(ScheduleSettings(name="all", percent=12.5), AT)
        audit.note("schedule add", port="cli", peer="me", after={"name": "all"})
    async with open_schedules(tmp_path) as (schedules, audit):
        assert [one.settings.percent for one in await schedules.all()] == [12.5]
        assert [(entry.what, entry.peer) for entry in await audit.newest()] == [("schedule add", "me")]


async def test_one_that_makes_no_sense_is_left_out_and_told(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    await store.schedules.add(ScheduleSettings(name="good"), AT)

    def spoil(database: peewee.Database) -> None:
        spoilt = {"name": "bad", "kind": "of a later release"}
        ScheduleRow.insert(name="bad", settings=spoilt, added_at=AT, modified_at=AT).execute(database)

    await store._database.write(spoil)
    with caplog.at_level(logging.ERROR):
        assert await names(store) == ["good"]
    assert "'bad'" in caplog.text


async def test_recordings_of_today_are_counted_by_schedule(store: Store, make_recording: Any) -> None:
    for record_id, schedule in ((1, "a"), (2, "a"), (3, "b"), (4, "a")):
        await store.records.save(make_recording(record_id, schedule=schedule))
    third = make_recording(3).started_at
    assert await store.schedules.taken_since(make_recording(1).started_at) == {"a": 3, "b": 1}
    assert await store.schedules.taken_since(third) == {"a": 1, "b": 1}
