"""Calls, devices, stations and agents."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.calls.fields import CallFields
from appliance.recording.facts import Recording
from appliance.store.calls import LoggedCall
from appliance.store.devices import KnownDevice
from appliance.store.store import Store

Make = Callable[..., Recording]
NOON = dt.datetime(2026, 3, 4, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def _call(number: int, **changes: object) -> LoggedCall:
    facts: dict[str, object] = {
        "global_call_id": f"0001{number:011d}",
        "core_id": 1,
        "device_id": "5003",
        "started_at": NOON + number * HOUR,
        "fields": CallFields(user1="x"),
    }
    return LoggedCall.model_validate(facts | changes)


async def test_call_is_kept_and_replaced(store: Store) -> None:
    await store.calls.save(_call(1))
    ended = _call(1, stopped_at=NOON + 2 * HOUR, outcome="no schedule", reason="none matched")
    await store.calls.save(ended)
    assert await store.calls.by_id(ended.global_call_id) == ended
    assert await store.calls.started_between(NOON, NOON + 9 * HOUR) == [ended]
    assert await store.calls.started_between(NOON + 2 * HOUR, NOON + 9 * HOUR) == []


async def test_recorded_calls_without_a_record_are_found(store: Store, make_recording: Make) -> None:
    for number, outcome in ((1, "recorded"), (2, "recorded"), (3, "no channel")):
        await store.calls.save(_call(number, outcome=outcome, stopped_at=NOON))
    await store.records.save(make_recording(2, global_call_id=_call(2).global_call_id))
    assert [c.global_call_id for c in await store.calls.unmatched()] == [_call(1).global_call_id]


async def test_calls_left_open_are_ended(store: Store) -> None:
    await store.calls.save(_call(1))
    await store.calls.save(_call(2, stopped_at=NOON, outcome="recorded"))
    assert await store.calls.end_open(NOON + HOUR, "the box was killed") == 1
    found = await store.calls.by_id(_call(1).global_call_id)
    assert found is not None
    assert (found.outcome, found.reason, found.stopped_at) == ("interrupted", "the box was killed", NOON + HOUR)
    assert await store.calls.end_open(NOON, "again") == 0


async def test_devices_survive_by_first_sight(tmp_path: Path) -> None:
    store = Store(tmp_path, 1)
    await store.open()
    late = KnownDevice(device_id="A", first_seen_at=NOON + HOUR, last_seen_at=NOON + HOUR)
    early = KnownDevice(
        device_id="B", first_seen_at=NOON, last_seen_at=NOON, is_trunk=True, fields=CallFields(device_alias="DESK")
    )
    await store.devices.save([late, early])
    again = early.model_copy(update={"first_seen_at": NOON + 5 * HOUR, "last_seen_at": NOON + 5 * HOUR})
    await store.devices.save([again])
    await store.close()
    opened = Store(tmp_path, 1)
    await opened.open()
    assert await opened.devices.all() == [again.model_copy(update={"first_seen_at": NOON}), late]
    await opened.close()


async def test_station_has_one_device_and_device_one_station(store: Store) -> None:
    assert await store.stations.assign("5003", "PC-1") == "5003"
    await store.stations.assign("5004", "PC-2")
    await store.stations.assign("5003", "pc-2")
    assert await store.stations.all() == [("pc-2", "5003")]
    assert await store.directory.device_of_station("PC-2") == "5003"
    assert await store.directory.device_of_station("PC-1") is None


async def test_agent_of_a_name_is_added_once(store: Store) -> None:
    first, added = await store.agents.add("Ann", "Lee", {"sys_user": "alee"}, NOON)
    assert added
    assert await store.agents.add("ANN", "lee", {}, NOON) == (first, False)
    second, added = await store.agents.add("Ann", "Lee", {}, NOON, allow_duplicate=True)
    assert added
    assert second != first
    assert [a.agent_id for a in await store.agents.by_name("ann", "LEE")] == [first, second]


async def test_deleted_agent_stays_without_phones(store: Store) -> None:
    agent_id, _ = await store.agents.add("Ann", "Lee", {"sys_user": "alee"}, NOON)
    assert await store.agents.assign_phone(agent_id, "501")
    assert await store.agents.delete(agent_id, NOON + HOUR)
    assert not await store.agents.delete(agent_id, NOON + HOUR)
    assert await store.agents.all() == []
    assert await store.agents.of_phone("501") is None
    gone = await store.agents.by_id(agent_id)
    assert gone is not None
    assert (gone.status, gone.modified_at, gone.phones) == ("D", NOON + HOUR, ())
    again, added = await store.agents.add("Ann", "Lee", {}, NOON)
    assert added
    assert again != agent_id
    assert not await store.agents.modify(agent_id, {"email": "x"}, NOON)
    assert not await store.agents.assign_phone(agent_id, "501")


async def test_phone_has_one_agent(store: Store) -> None:
    ann, _ = await store.agents.add("Ann", "Lee", {"sys_user": "ALee", "crm_user": "ann"}, NOON)
    bob, _ = await store.agents.add("Bob", "Ray", {}, NOON)
    assert await store.agents.assign_phone(ann, "502")
    assert await store.agents.assign_phone(ann, "501")
    assert await store.agents.assign_phone(ann, "501")
    assert not await store.agents.assign_phone(bob, "501")
    assert await store.directory.phones_of_agent(sys_user="alee") == ["501", "502"]
    assert await store.directory.phones_of_agent(crm_user="ANN") == ["501", "502"]
    assert await store.directory.phones_of_agent(sys_user="") == []
    assert not await store.agents.free_phone(bob, "501")
    assert await store.agents.free_phone(ann, "501")
    assert await store.agents.assign_phone(bob, "501")
    owner = await store.agents.of_phone("501")
    assert owner is not None
    assert owner.agent_id == bob
    assert await store.agents.modify(ann, {"status": "I"}, NOON)
    assert await store.directory.phones_of_agent(sys_user="alee") == []


async def test_agents_are_sought_by_known_keys_only(store: Store) -> None:
    with pytest.raises(KeyError):
        await store.agents.by_user("status", "A")
