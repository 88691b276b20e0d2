"""Saving: after RECORDINGSTOPPED, never lost to a failing database, with late changes."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from appliance.calls.call import Call
from appliance.calls.fields import CallFields
from appliance.channels.channel import Channel
from appliance.errors import DatabaseError
from appliance.events.bus import EventBus
from appliance.recording.active import ActiveRecording, Terms
from appliance.recording.announce import Announcer
from appliance.recording.facts import Recording
from appliance.recording.saving import Saver
from appliance.units import RecordId

NOW = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)


def _recording(record_id: int, fields: CallFields | None = None) -> Recording:
    return Recording(
        record_id=record_id,
        global_call_id="000100000000001",
        core_id=1,
        channel=0,
        tap="card",
        line="0",
        session="s",
        device_id="5001",
        call_instance="",
        fields=fields or CallFields(),
        keep_days=30,
        archive_action=-1,
        priority=50,
        schedule="all",
        recording_type="schedule",
        call_started_at=NOW,
        started_at=NOW,
        stopped_at=NOW,
        filename="/rec/5001.wav",
        encoding="ulaw",
        rate_hz=8000,
        channels=1,
        frames=0,
        duration_s=0,
        audio_size=0,
        audio_hash="",
        legs=(),
    )


def _active(record_id: int, user1: str = "") -> ActiveRecording:
    call = Call("5001", "", CallFields(user1=user1), 1, "000100000000001", NOW, 0.0)
    channel = Channel(0, "card", "0", calls_arrive=False, devices=("*",))
    return ActiveRecording(call, channel, Terms("all", "schedule", 50, 30, -1), record_id=RecordId(record_id))


class Desk:
    """An inbox whose database can be made to fail, and what was told."""

    def __init__(self) -> None:
        self.waiting: dict[str, Recording] = {}
        self.works = True
        self.updates: list[tuple[int, dict[str, Any]]] = []
        self.actives: dict[int, ActiveRecording] = {}
        bus = EventBus()
        self.subscription = bus.subscribe()
        self.saver = Saver(self, self, Announcer(bus, 1), self.actives.get, retry_s=0.05)

    async def import_one(self, note: Path) -> Recording | None:
        if not self.works:
            raise DatabaseError("database is locked")
        return self.waiting.pop(note.stem, None)

    async def import_all(self) -> list[Recording]:
        taken = list(self.waiting.values()) if self.works else []
        if self.works:
            self.waiting.clear()
        return taken

    async def update(self, record_id: int, changes: dict[str, Any]) -> bool:
        self.updates.append((record_id, changes))
        return True

    def finish(self, record_id: int) -> None:
        self.waiting[str(record_id)] = _recording(record_id)
        self.saver.finished(record_id, Path(f"/inbox/{record_id}.json"))

    async def told(self) -> int:
        event: Any = await asyncio.wait_for(self.subscription.get(), 2)
        assert event.event_type == "RECORDINGUPDATE"
        return int(event.record_id)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    task = asyncio.create_task(desk.saver.run())
    yield desk
    assert not task.done()
    task.cancel()


async def test_finished_recordings_are_told_in_order(desk: Desk) -> None:
    for number in (1, 2, 3):
        desk.finish(number)
    assert [await desk.told() for _ in range(3)] == [1, 2, 3]


async def test_nothing_is_told_as_saved_before_its_end_was_told_and_others_do_not_wait(desk: Desk) -> None:
    desk.actives[1] = _active(1)
    desk.finish(1)
    desk.finish(2)
    assert await desk.told() == 2
    await asyncio.sleep(0.12)  # the retry must not tell it either
    assert desk.saver.saved == 1
    desk.actives[1].freed.set()
    assert await desk.told() == 1


async def test_a_failing_database_costs_nothing_and_is_tried_again(desk: Desk) -> None:
    desk.works = False
    desk.finish(1)
    await asyncio.sleep(0.12)
    assert desk.saver.saved == 0
    desk.works = True
    assert await desk.told() == 1


async def test_changes_that_came_after_the_sidecar_reach_the_record(desk: Desk) -> None:
    desk.actives[1] = _active(1, user1="late")
    desk.actives[1].freed.set()
    desk.finish(1)
    await desk.told()
    assert desk.updates == [(1, {"user1": "late"})]


async def test_a_recording_that_ended_just_now_is_waited_for_and_no_other(desk: Desk) -> None:
    desk.saver.expect(_active(1))
    asked = asyncio.create_task(desk.saver.caught_up("5001"))
    await asyncio.wait_for(desk.saver.caught_up("5002"), 1)
    await asyncio.sleep(0.05)
    assert not asked.done()
    desk.finish(1)
    await asyncio.wait_for(asked, 2)
    assert desk.saver.saved == 1
