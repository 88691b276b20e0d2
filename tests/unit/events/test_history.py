from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance import clock
from appliance.calls.fields import CallFields
from appliance.errors import DiskFullError
from appliance.events.history import EventHistory, EventReader, Gap
from appliance.events.journal import EventJournal
from appliance.events.types import CallStarted, CallStopped, Event

AT = dt.datetime(2026, 3, 9, 13, 4, 5, tzinfo=dt.UTC)


def event(n: int = 1, kind: type[CallStarted | CallStopped] = CallStarted, **fields: str) -> Event:
    return kind(
        happened_at=AT,
        core_id=1,
        device_id=str(n),
        global_call_id="",
        keep_days=-1,
        fields=CallFields().changed(dict(fields)),
    )


def read_all(reader: EventReader) -> list[int]:
    seen = []
    while (kept := reader.head()) is not None:
        reader.step()
        seen.append(kept.sequence)
    return seen


def place(history: EventHistory, *, since: int | None = None, limit: int | None = None) -> EventReader:
    return history.read(lambda _event: True, lambda: None, since=since, limit=limit)


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let hours pass."""
    passed_s = [0.0]
    now_s = clock.monotonic_s
    monkeypatch.setattr(clock, "monotonic_s", lambda: now_s() + passed_s[0])

    def wait(hours: float) -> None:
        passed_s[0] += hours * 3600

    return wait


def test_a_place_at_the_end_sees_what_comes_and_one_behind_a_number_what_came_since() -> None:
    history = EventHistory()
    for n in range(5):
        history.append(event(n))
    end, since = place(history), place(history, since=3)
    history.append(event(5))
    assert read_all(end) == [6]
    assert read_all(since) == [4, 5, 6]
    assert history.missing_since(0) is None


def test_what_is_let_go_by_count_is_told_to_whoever_asks_for_it_and_to_whoever_was_waiting_for_it() -> None:
    history = EventHistory(keep=3)
    reader = history.read(lambda one: isinstance(one, CallStopped), lambda: None)
    for n in range(10):
        history.append(event(n, CallStopped if n % 2 else CallStarted))
    assert history.kept == 3
    assert history.missing_since(6) == (7, 7)
    assert history.missing_since(7) is None
    assert reader.take_gap() == Gap(3, 2, 6)  # 2, 4 and 6 of those it wants
    assert reader.take_gap() is None
    assert read_all(reader) == [8, 10]
    assert read_all(place(history, since=1)) == [8, 9, 10]


def test_a_limited_reader_loses_its_oldest_while_the_history_still_has_them() -> None:
    history = EventHistory()
    reader = place(history, limit=2)
    for n in range(5):
        history.append(event(n))
    assert reader.dropped == 3
    assert reader.take_gap() == Gap(3, 1, 3)
    assert read_all(reader) == [4, 5]
    for n in range(2):
        history.append(event(n))
    assert read_all(reader) == [6, 7]
    assert reader.gap is None


def test_age_lets_go_what_nobody_waits_for(hours: Callable[[float], None]) -> None:
    history = EventHistory(keep_s=3600)
    reader = place(history)
    history.append(event(1))
    hours(2)
    history.append(event(2))
    assert history.kept == 2  # its reader has not had it
    assert read_all(reader) == [1, 2]
    history.append(event(3))
    assert [history.kept, history.whole_since] == [2, 1]
    reader.close()
    hours(2)
    history.append(event(4))
    assert history.missing_since(2) == (3, 3)


def test_numbers_rise_also_where_none_can_be_taken() -> None:
    numbers = iter([5, 6])

    def next_number() -> int:
        if (number := next(numbers, None)) is None:
            raise DiskFullError
        return number

    history = EventHistory(next_number=next_number)
    for n in range(4):
        history.append(event(n))
    assert read_all(place(history, since=0)) == [5, 6, 7, 8]


# --- the journal -----------------------------------------------------------------------------------------------------


def life(folder: Path, given: int, keep: int = 100) -> EventHistory:
    """A history of a new life, which knows that numbers up to ``given`` may have been used."""
    journal = EventJournal(folder, keep)
    numbers = iter(range(given + 1, given + 1_000_000))
    history = EventHistory(keep=keep, next_number=lambda: next(numbers), journal=journal)
    history.recall(journal.read(), given)
    return history


def test_a_new_life_has_the_events_of_the_killed_one_whole(tmp_path: Path) -> None:
    first = life(tmp_path / "events", 0)
    first.append(event(1, user1="höher & <so>", ani="0800"))
    first.append(event(2, CallStopped))
    second = life(tmp_path / "events", 1000)  # killed: the rest of the block is skipped
    second.append(event(3))
    reader = place(second, since=0)
    one = reader.head()
    assert one is not None
    assert one.event == event(1, user1="höher & <so>", ani="0800")
    assert read_all(reader) == [1, 2, 1001]
    assert second.missing_since(0) is None
    assert second.missing_since(2) is None
    assert second.missing_since(900) is None  # never given, so nothing of it is lost


def test_files_stay_bounded_and_so_does_what_is_read_of_them(tmp_path: Path) -> None:
    history = life(tmp_path, 0, keep=40)
    for n in range(1000):
        history.append(event(n))
        lines = sum(path.read_bytes().count(b"\n") for path in tmp_path.iterdir())
        assert min(n + 1, 40) <= lines <= 60
    again = life(tmp_path, 1000, keep=40)
    assert read_all(place(again, since=0)) == list(range(961, 1001))
    assert again.missing_since(959) == (960, 960)


def test_a_cut_off_last_line_is_an_event_nobody_saw(tmp_path: Path) -> None:
    history = life(tmp_path, 0)
    history.append(event(1))
    history.append(event(2))
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-10])
    again = life(tmp_path, 1000)
    assert read_all(place(again, since=0)) == [1]


def test_damaged_files_are_given_up_whole_and_that_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    history = life(tmp_path, 0)
    history.append(event(1))
    history.append(event(2))
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"[" + path.read_bytes())
    again = life(tmp_path, 1000)
    assert again.missing_since(0) == (1, 1000)
    assert "not known" in caplog.text
    again.append(event(3))
    assert read_all(place(life(tmp_path, 2000), since=0)) == [1001]


def test_a_full_memory_costs_the_files_and_no_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = life(tmp_path, 0)
    history.append(event(1))
    with monkeypatch.context() as full:
        full.setattr("os.write", lambda _file, line: len(line) // 2)
        history.append(event(2))
        history.append(event(3))
    assert list(tmp_path.iterdir()) == []
    history.append(event(4))
    assert read_all(place(history, since=0)) == [1, 2, 3, 4]
    again = life(tmp_path, 1000)
    assert again.missing_since(0) == (1, 3)  # what the files hold is whole from its first event on
    assert read_all(place(again, since=0)) == [4]
