"""The pure decision."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.calls.fields import CallFields
from appliance.scheduler.decide import Schedule, decide

MONDAY_NOON = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)


def _chosen(schedules: list[Schedule], fields: CallFields | None = None, *, draw: float = 0.0, hour: int = 12) -> str:
    now = MONDAY_NOON.replace(hour=hour)
    decision = decide("5001", fields or CallFields(), schedules, now, draw)
    return decision.schedule.name if decision.schedule else ""


def test_without_schedules_nothing_is_recorded_and_it_says_why() -> None:
    decision = decide("5001", CallFields(), [], MONDAY_NOON, 0.0)
    assert not decision.record
    assert decision.reason == "no schedule matches"


def test_highest_priority_wins_and_a_tie_goes_to_the_earliest() -> None:
    schedules = [Schedule("low", priority=10), Schedule("first", priority=70), Schedule("second", priority=70)]
    assert _chosen(schedules) == "first"


def test_every_pattern_must_match_any_field_in_any_case() -> None:
    schedule = Schedule("gold", match=(("device_id", "50*"), ("user1", "gold*"), ("group", "Sales")))
    assert _chosen([schedule], CallFields(user1="Gold Level", group="sales")) == "gold"
    assert _chosen([schedule], CallFields(user1="Gold Level", group="Service")) == ""


@given(st.floats(0, 100), st.floats(0, 1, exclude_max=True))
def test_percentage_takes_its_share(percent: float, draw: float) -> None:
    assert (_chosen([Schedule("some", percent=percent)], draw=draw) == "some") == (draw * 100 < percent)


def test_a_schedule_that_leaves_the_call_out_gives_way_to_the_next() -> None:
    schedules = [Schedule("rare", percent=10, priority=90), Schedule("all", priority=10)]
    assert _chosen(schedules, draw=0.05) == "rare"
    assert _chosen(schedules, draw=0.5) == "all"


@pytest.mark.parametrize(("hour", "inside"), [(7, False), (8, True), (17, True), (18, False)])
def test_time_window_includes_its_begin_and_not_its_end(hour: int, *, inside: bool) -> None:
    assert bool(_chosen([Schedule("day", minutes=(8 * 60, 18 * 60))], hour=hour)) == inside


@pytest.mark.parametrize(
    ("weekdays", "hour", "inside"),
    [((1,), 23, True), ((1,), 3, False), ((7,), 3, True), ((7,), 23, False), ((), 3, True), ((), 12, False)],
)
def test_a_window_past_midnight_belongs_to_the_day_it_begins_on(
    weekdays: tuple[int, ...], hour: int, *, inside: bool
) -> None:
    night = Schedule("night", minutes=(22 * 60, 6 * 60), weekdays=weekdays)
    assert bool(_chosen([night], hour=hour)) == inside
