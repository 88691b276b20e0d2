"""The pure decision."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.calls.fields import CallFields
from appliance.scheduler.decide import Circumstances, Schedule, decide, schedules_of
from appliance.scheduler.tallies import Tallies
from appliance.settings.models import ScheduleSettings

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


def test_a_filter_counts_before_every_schedule() -> None:
    beside = Circumstances(filters=((("device_id", "50*"), ("group", "legal*")),))
    decision = decide("5001", CallFields(group="Legal"), [Schedule("all")], MONDAY_NOON, 0.0, beside)
    assert (decision.record, decision.filtered) == (False, True)
    assert decide("5001", CallFields(group="Sales"), [Schedule("all")], MONDAY_NOON, 0.0, beside).record


@pytest.mark.parametrize(
    ("kind", "asked", "initiated", "taken"),
    [
        ("percentage", False, False, True),
        ("api_initiated", False, True, False),
        ("api_initiated", True, False, True),
        ("on_demand", True, False, False),
        ("on_demand", False, True, True),
    ],
)
def test_kinds_that_wait_to_be_asked(kind: str, *, asked: bool, initiated: bool, taken: bool) -> None:
    fields = CallFields(agent_initiated=initiated)
    beside = Circumstances(asked=asked)
    assert decide("5001", fields, [Schedule("it", kind=kind)], MONDAY_NOON, 0.0, beside).record == taken


@pytest.mark.parametrize("kind", ["percentage", "set_number", "agent_percentage"])
def test_probability_leaves_calls_out_of_any_kind(kind: str) -> None:
    schedule = Schedule("some", kind=kind, probability=20)
    assert _chosen([schedule], draw=0.19) == "some"
    assert _chosen([schedule], draw=0.2) == ""


def test_probability_and_percentage_multiply() -> None:
    schedule = Schedule("some", percent=50, probability=50)
    assert _chosen([schedule], draw=0.249) == "some"
    assert _chosen([schedule], draw=0.25) == ""


@given(st.lists(st.sampled_from("ab"), min_size=1, max_size=60), st.integers(0, 100))
def test_agent_percentage_takes_its_share_of_each_agents_calls(agents: list[str], percent: int) -> None:
    schedule = Schedule("share", kind="agent_percentage", percent=percent)
    tallies = Tallies()
    taken = {"a": 0, "b": 0}
    for agent in agents:
        beside = Circumstances(tally=tallies.of(MONDAY_NOON.date()))
        decision = decide("5001", CallFields(agent_id=agent), [schedule], MONDAY_NOON, 0.0, beside)
        tallies.count(decision, agent)
        taken[agent] += decision.record
    for agent, calls in taken.items():
        assert 0 <= calls - percent * agents.count(agent) / 100 < 1


def test_a_set_number_begins_anew_each_day() -> None:
    tallies = Tallies()
    schedule = Schedule("two", kind="set_number", count=2)

    def takes(day: dt.datetime) -> bool:
        beside = Circumstances(tally=tallies.of(day.date()))
        decision = decide("5001", CallFields(), [schedule], day, 0.0, beside)
        tallies.count(decision, "5001")
        return decision.record

    tallies.recall(MONDAY_NOON.date(), {"two": 1})
    assert [takes(MONDAY_NOON) for _ in range(3)] == [True, False, False]
    assert takes(MONDAY_NOON + dt.timedelta(days=1))


@pytest.mark.parametrize(("day", "inside"), [(22, False), (23, True), (24, True), (25, False)])
def test_a_schedule_begins_and_expires(day: int, *, inside: bool) -> None:
    schedule = Schedule("days", valid_from=dt.datetime(2026, 11, 23), valid_until=dt.datetime(2026, 11, 25))  # noqa: DTZ001
    decision = decide("5001", CallFields(), [schedule], MONDAY_NOON.replace(day=day), 0.0)
    assert decision.record == inside


def test_schedules_of_the_settings_have_everything() -> None:
    settings = ScheduleSettings(
        name="s",
        kind="set_number",
        count=4,
        probability=5,
        valid_from="2026-11-23 08:00",
        min_record_time_s=3,
        match={"group": "A", "gate": ""},
    )
    (schedule,) = schedules_of([settings])
    assert (schedule.kind, schedule.count, schedule.probability) == ("set_number", 4, 5)
    assert (schedule.valid_from, schedule.valid_until) == (dt.datetime(2026, 11, 23, 8), None)  # noqa: DTZ001
    assert (schedule.min_record_time_s, schedule.match) == (3, (("group", "A"),))
