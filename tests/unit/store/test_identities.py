"""Numbers are given once, whatever is killed or lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance import clock
from appliance.errors import DatabaseError, DiskFullError
from appliance.recording.facts import Recording
from appliance.store.calls import LoggedCall
from appliance.store.identities import BLOCK, MOST_RECORD_ID, Identities, Used
from appliance.store.store import Store

Make = Callable[..., Recording]


def _opened(path: Path, core_id: int = 1, stored: Used | None = Used()) -> Identities:  # noqa: B008 - frozen
    identities = Identities(path / "counters.json", core_id)
    identities.open(stored)
    return identities


def test_forms(tmp_path: Path) -> None:
    identities = _opened(tmp_path, core_id=42)
    assert identities.next_record_id() == 1
    assert identities.next_global_call_id() == "004200000000001"
    assert identities.next_global_call_id() == "004200000000002"
    identities.close()


def test_clean_end_returns_the_rest(tmp_path: Path) -> None:
    for expected in (1, 2, 3):
        identities = _opened(tmp_path)
        assert identities.next_record_id() == expected
        identities.close()


def test_killed_box_skips_and_never_repeats(tmp_path: Path) -> None:
    seen: set[int] = set()
    for count in (1, BLOCK // 2, BLOCK, 3 * BLOCK):
        killed = _opened(tmp_path)  # never closed
        numbers = {int(killed.next_record_id()) for _ in range(count)}
        assert len(numbers) == count
        assert not numbers & seen
        seen |= numbers


def test_higher_of_file_and_database_counts(tmp_path: Path) -> None:
    (tmp_path / "counters.json").write_text(json.dumps({"record_id": 10, "call": 900}))
    identities = _opened(tmp_path, stored=Used(record_id=70, call=80))
    assert identities.next_record_id() == 71
    assert identities.next_global_call_id() == "000100000000901"
    identities.raise_to(Used(record_id=50_000))
    assert identities.next_record_id() == 50_001
    identities.close()


def test_damaged_file_leaves_the_database(tmp_path: Path) -> None:
    (tmp_path / "counters.json").write_text("{ no")
    identities = _opened(tmp_path, stored=Used(record_id=7, call=7))
    assert identities.next_record_id() == 8
    identities.close()


def test_both_lost_gives_no_number(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError):
        _opened(tmp_path, stored=None)


def test_end_of_the_range_is_told(tmp_path: Path) -> None:
    identities = _opened(tmp_path, stored=Used(record_id=MOST_RECORD_ID - 1))
    assert identities.next_record_id() == MOST_RECORD_ID
    with pytest.raises(DiskFullError):
        identities.next_record_id()
    identities.close()


async def test_lost_file_is_made_up_from_calls_and_records_of_this_core(tmp_path: Path, make_recording: Make) -> None:
    store = Store(tmp_path, 1)
    await store.open()
    await store.records.save(make_recording(500, global_call_id="000200000009999"))
    call = LoggedCall(global_call_id="000100000000777", core_id=1, device_id="1", started_at=clock.now())
    await store.calls.save(call)
    await store.close()
    (tmp_path / "counters.json").unlink()
    again = Store(tmp_path, 1)
    await again.open()
    assert again.identities.next_record_id() == 501
    assert again.identities.next_global_call_id() == "000100000000778"
    await again.close()
    (tmp_path / "counters.json").unlink()
    other = Store(tmp_path, 3)
    await other.open()
    assert other.identities.next_global_call_id() == "000300000000001"
    await other.close()


def test_numbers_of_events_skip_after_a_kill_and_never_repeat(tmp_path: Path) -> None:
    killed = _opened(tmp_path)
    assert [killed.next_event() for _ in range(3)] == [1, 2, 3]
    again = _opened(tmp_path)
    assert again.given.event == BLOCK
    assert again.next_event() == BLOCK + 1
    again.close()
    assert _opened(tmp_path).next_event() == BLOCK + 2


def test_a_lost_file_begins_events_above_all_of_before(tmp_path: Path) -> None:
    before = _opened(tmp_path)
    last = max(before.next_event() for _ in range(2 * BLOCK))
    (tmp_path / "counters.json").unlink()
    after = _opened(tmp_path, stored=Used(record_id=7))
    assert after.next_event() > last
    assert after.next_record_id() == 8
