"""Schedules of the settings file and stored ones, together."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

import pytest

from appliance import clock
from appliance.errors import DatabaseError
from appliance.scheduler.current_schedules import CurrentSchedules
from appliance.settings.models import ScheduleSettings
from appliance.store.schedules import StoredSchedule


class Shelf:
    def __init__(self) -> None:
        self.stored: list[ScheduleSettings] = []
        self.taken: dict[str, int] = {}
        self.failing = False
        self.since: list[dt.datetime] = []

    async def all(self) -> list[StoredSchedule]:
        if self.failing:
            raise DatabaseError
        at = clock.now()
        return [
            StoredSchedule(schedule_id=n, settings=one, added_at=at, modified_at=at)
            for n, one in enumerate(self.stored)
        ]

    async def taken_since(self, moment: dt.datetime) -> dict[str, int]:
        if self.failing:
            raise DatabaseError
        self.since.append(moment)
        return self.taken


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def current(lab: Any, shelf: Shelf) -> CurrentSchedules:
    return CurrentSchedules(lab.scheduler, cast("Any", shelf), (ScheduleSettings(name="File", priority=10),))


def names(lab: Any) -> list[str]:
    return [one.name for one in lab.scheduler.schedules]


async def test_stored_ones_come_behind_those_of_the_file_which_counts_first(lab: Any, shelf: Shelf) -> None:
    holding = current(lab, shelf)
    shelf.stored = [ScheduleSettings(name="file", percent=0), ScheduleSettings(name="new")]
    await holding.look()
    assert names(lab) == ["File", "new"]
    shelf.stored = []
    await holding.look()
    assert names(lab) == ["File"]


async def test_a_database_that_fails_leaves_what_held(lab: Any, shelf: Shelf) -> None:
    holding = current(lab, shelf)
    shelf.stored = [ScheduleSettings(name="new")]
    await holding.recall()
    shelf.failing = True
    await holding.look()
    assert names(lab) == ["File", "new"]


async def test_what_was_taken_today_is_remembered(lab: Any, shelf: Shelf) -> None:
    shelf.stored = [ScheduleSettings(name="two", kind="set_number", count=2, priority=90)]
    shelf.taken = {"two": 1}
    await current(lab, shelf).recall()
    local = clock.local(shelf.since[0])
    assert (local.hour, local.minute, local.date()) == (0, 0, clock.local(clock.now()).date())
    lab.start("5001")
    lab.start("5002")
    await lab.until("RECORDINGSTARTED", 2)
    assert [claim.schedule for claim in lab.claims] == ["two", "File"]


async def test_a_change_touches_no_recording_that_goes_on(lab: Any, shelf: Shelf) -> None:
    holding = current(lab, shelf)
    shelf.stored = [ScheduleSettings(name="new", priority=90, keep_days=5)]
    await holding.look()
    lab.start("5001")
    await lab.until("RECORDINGSTARTED")
    shelf.stored = [ScheduleSettings(name="new", priority=90, keep_days=1)]
    await holding.look()
    lab.stop("5001")
    await lab.until("RECORDINGSTOPPED")
    assert lab.claims[0].keep_days == 5
    assert lab.events[-1].keep_days == 5
