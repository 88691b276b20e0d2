"""Groups, users, terms, desktops, and whose phone a call is on."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from appliance.errors import DatabaseError
from appliance.store.registry_tables import GroupPhoneRow, UserGroupRow
from appliance.store.store import Store
from appliance.store.terms import DEFAULTS
from appliance.store.windows import Window

NOON = dt.datetime(2026, 3, 4, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


async def _agent(store: Store, first: str, *phones: str) -> int:
    agent_id, _ = await store.agents.add(first, "Lee", {}, NOON)
    for phone in phones:
        assert await store.agents.assign_phone(agent_id, phone)
    return agent_id


async def _filled(store: Store) -> tuple[int, int, int]:
    agent_id = await _agent(store, "Ann", "501", "DESK1")
    group_id, _ = await store.groups.add("Sales", NOON)
    user_id, _ = await store.users.add("chief", {"agent_id": agent_id, "email": "c@example.com"}, NOON)
    await store.groups.assign_phone(group_id, "501")
    await store.groups.assign_user(group_id, user_id)
    return agent_id, group_id, user_id


async def test_all_of_it_survives_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path, 1)
    await store.open()
    agent_id, group_id, _ = await _filled(store)
    await store.stations.assign("5003", "PC-1")
    await store.terms.put("User1", "Policy")
    window = Window(computer_name="PC-1", user_name="alee", reported_at=NOON)
    await store.windows.put(window)
    before = (await store.agents.all(), await store.groups.all(), await store.users.all(), await store.stations.all())
    await store.close()
    again = Store(tmp_path, 1)
    await again.open()
    assert before == (
        *(await again.agents.all(), await again.groups.all()),
        *(await again.users.all(), await again.stations.all()),
    )
    assert (await again.terms.all())["user1"] == "Policy"
    assert await again.windows.latest(user_name="ALEE") == window
    assert again.directory.agent_of("", "501") == str(agent_id)
    assert await again.groups.add("sales", NOON) == (group_id, False)
    await again.close()


async def test_a_group_has_its_phones_and_users(store: Store) -> None:
    agent_id, group_id, user_id = await _filled(store)
    (group,) = await store.groups.all()
    assert (group.group_id, group.phones, group.users) == (group_id, ("501",), ("chief",))
    assert not await store.groups.assign_phone(group_id, "501")
    assert not await store.groups.assign_user(group_id, user_id)
    assert await store.groups.release_phone(group_id, "501")
    assert not await store.groups.release_phone(group_id, "501")
    assert await store.groups.release_user(group_id, user_id)
    assert not await store.groups.release_user(group_id, user_id)
    await store.groups.assign_phone(group_id, "DESK1")
    assert await store.agents.free_phone(agent_id, "DESK1")
    assert (await store.groups.all())[0].phones == ()


async def test_a_phone_that_nobody_has_is_in_no_group(store: Store) -> None:
    _, group_id, _ = await _filled(store)
    with pytest.raises(DatabaseError):
        await store.groups.assign_phone(group_id, "999")
    assert (await store.groups.all())[0].phones == ("501",)


async def test_a_groups_number_is_not_given_again(store: Store) -> None:
    _, group_id, _ = await _filled(store)
    assert await store.groups.delete(group_id, NOON)
    assert not await store.groups.delete(group_id, NOON)
    assert await store.groups.by_id(group_id) is None
    assert await store.groups.by_name("Sales") is None
    other, added = await store.groups.add("Sales", NOON)
    assert added
    assert other != group_id
    found = await store.groups.by_id(other)
    assert found is not None
    assert (found.phones, found.users) == ((), ())
    for row in (GroupPhoneRow, UserGroupRow):
        assert await store._database.read(row.select().count) == 0


async def test_two_groups_do_not_have_one_name(store: Store) -> None:
    sales, _ = await store.groups.add("Sales", NOON)
    service, _ = await store.groups.add("Service", NOON)
    assert not await store.groups.rename(service, "SALES")
    assert await store.groups.rename(sales, "SALES")
    assert [group.name for group in await store.groups.all()] == ["SALES", "Service"]


async def test_a_deleted_user_sees_nothing_and_frees_the_name(store: Store) -> None:
    agent_id, _, user_id = await _filled(store)
    assert (await store.users.all())[0].phones == ("501", "DESK1")
    assert await store.users.add("CHIEF", {}, NOON) == (user_id, False)
    other, _ = await store.users.add("second", {}, NOON)
    assert not await store.users.modify(other, {"user_name": "Chief"}, NOON)
    await store.agents.delete(agent_id, NOON)
    assert [user.agent_id for user in await store.users.all()] == [None, None]
    assert await store.users.delete(user_id, NOON + HOUR)
    assert not await store.users.delete(user_id, NOON + HOUR)
    assert (await store.groups.all())[0].users == ()
    gone = await store.users.by_id(user_id)
    assert gone is not None
    assert (gone.status, gone.modified_at) == ("D", NOON + HOUR)
    assert await store.users.modify(other, {"user_name": "Chief"}, NOON)


async def test_terms_are_there_and_changes_can_be_taken_back(store: Store) -> None:
    assert await store.terms.all() == DEFAULTS
    assert list(DEFAULTS) == sorted(DEFAULTS)
    await store.terms.put("ani", "Caller")
    await store.terms.put("USER3", "Order")
    await store.terms.put("user3", "Case")
    assert await store.terms.all() == DEFAULTS | {"ani": "Caller", "user3": "Case"}
    assert await store.terms.drop("ANI")
    assert not await store.terms.drop("ani")
    assert await store.terms.drop("user3")
    assert await store.terms.all() == DEFAULTS


async def test_the_latest_report_of_a_desktop_is_given(store: Store) -> None:
    early = Window(computer_name="PC-1", user_name="alee", reported_at=NOON)
    late = Window(computer_name="PC-2", user_name="alee", reported_at=NOON + HOUR)
    await store.windows.put(early.model_copy(update={"status": "LOCKED"}))
    await store.windows.put(late)
    assert await store.windows.latest(user_name="alee") == late
    await store.windows.put(early.model_copy(update={"computer_name": "pc-1"}))
    assert await store.windows.latest(user_name="ALEE") == late
    assert await store.windows.latest(computer_name="PC-1") == early.model_copy(update={"computer_name": "pc-1"})
    assert await store.windows.latest(computer_name="PC-1", user_name="bob") is None


async def test_an_alias_tells_the_agent_before_the_device_does(store: Store) -> None:
    ann = await _agent(store, "Ann", "DESK1")
    bob = await _agent(store, "Bob", "501")
    agent_of = store.directory.agent_of
    assert agent_of("desk1", "501") == str(ann)
    assert agent_of("DESK9", "501") == str(bob)
    assert agent_of("", "502") == ""
    await store.agents.modify(ann, {"status": "I"}, NOON)
    assert agent_of("DESK1", "501") == str(bob)
    await store.agents.modify(ann, {"status": "A"}, NOON)
    assert agent_of("DESK1", "501") == str(ann)
    await store.agents.delete(ann, NOON)
    await store.agents.free_phone(bob, "501")
    assert agent_of("DESK1", "501") == ""


async def test_stations_are_found_by_device_and_forgotten(store: Store) -> None:
    await store.stations.assign("5003", "PC-1")
    assert await store.stations.station_of("5003") == "PC-1"
    assert await store.stations.station_of("5004") is None
    assert await store.stations.remove("pc-1")
    assert not await store.stations.remove("pc-1")
    assert await store.stations.all() == []
