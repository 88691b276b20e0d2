"""The pure decision whether a call is recorded, and by which schedule."""

from __future__ import annotations

import dataclasses
import datetime as dt
import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol, final

from appliance.calls.fields import CallFields
from appliance.settings.models import ScheduleSettings

WORDS: Final[Mapping[str, str]] = {
    "percentage": "Percentage",
    "set_number": "Set Number",
    "api_initiated": "API Initiated",
    "on_demand": "On-Demand",
    "agent_percentage": "Agent Percentage",
}
"""How a kind is called in a record (``recording_type``)."""

ASKED_FOR: Final = frozenset({"api_initiated", "on_demand"})
"""Kinds that are made for recordings that somebody asks for."""

Pattern = tuple[tuple[str, str], ...]
"""Shell patterns by field name of a call, ``device_id`` too; all must match, in any letter case."""


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Schedule:
    """One rule, in the order of creation. ``match`` holds shell patterns by field name of a call, ``device_id`` too.

    ``minutes`` is the time window of a day in minutes since midnight, ``[begin, end)``; an end at or before the begin
    lies on the next day. ``weekdays`` are 1 (Monday) to 7, empty for every day; they name the day a window begins on.
    ``valid_from`` and ``valid_until`` are naive local times.
    """

    name: str
    kind: str = "percentage"
    percent: float = 100
    count: int = 1
    probability: float = 100
    priority: int = 50
    keep_days: int = 30
    archive_action: int = -1
    max_record_time_s: int | None = None
    max_record_silence_s: int | None = None
    min_record_time_s: int | None = None
    valid_from: dt.datetime | None = None
    valid_until: dt.datetime | None = None
    match: Pattern = ()
    weekdays: tuple[int, ...] = ()
    minutes: tuple[int, int] = (0, 1440)


def schedules_of(settings: Iterable[ScheduleSettings]) -> tuple[Schedule, ...]:
    """Give the schedules of the settings file, in its order."""
    return tuple(_schedule_of(s) for s in settings)


def _schedule_of(s: ScheduleSettings) -> Schedule:
    match = {"device_id": s.device_id, "device_alias": s.device_alias, **s.match}
    return Schedule(
        name=s.name,
        kind=s.kind,
        percent=s.percent,
        count=s.count,
        probability=s.probability,
        priority=s.priority,
        keep_days=s.keep_days,
        archive_action=s.archive_action,
        max_record_time_s=s.max_record_time_s,
        max_record_silence_s=s.max_record_silence_s,
        min_record_time_s=s.min_record_time_s,
        valid_from=_moment(s.valid_from),
        valid_until=_moment(s.valid_until),
        match=pattern_of(match),
        weekdays=s.weekdays,
        minutes=(_minutes(s.time_from), _minutes(s.time_until)),
    )


def pattern_of(match: Mapping[str, str]) -> Pattern:
    """Give the pattern of a table of the settings; an empty text matches anything."""
    return tuple((name, pattern) for name, pattern in match.items() if pattern)


def _moment(text: str) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None


def _minutes(time_of_day: str) -> int:
    hours, _, minutes = time_of_day.partition(":")
    return int(hours) * 60 + int(minutes)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """What was decided. Without a schedule the call is not recorded; ``reason`` says why.

    ``matching`` are the schedules that the call was counted for; ``filtered``: a recording filter forbids it.
    """

    schedule: Schedule | None
    reason: str
    matching: tuple[Schedule, ...] = ()
    filtered: bool = False

    @property
    def record(self) -> bool:
        """Whether the call is recorded."""
        return self.schedule is not None


class Tally(Protocol):
    """How many calls of today a schedule has matched, and how many of them it took; of one agent, or of all."""

    def seen(self, schedule: str, agent: str) -> int:
        """Calls of the agent that matched."""
        ...

    def taken(self, schedule: str, agent: str | None = None) -> int:
        """Calls that were recorded by it; of all agents where none is named."""
        ...


@final
class NothingCounted:
    """The tally of a day that begins."""

    def seen(self, schedule: str, agent: str) -> int:
        """None."""
        del schedule, agent
        return 0

    def taken(self, schedule: str, agent: str | None = None) -> int:
        """None."""
        del schedule, agent
        return 0


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Circumstances:
    """What a decision depends on beside the call: ``asked`` says that a client asks for this recording."""

    asked: bool = False
    filters: Sequence[Pattern] = ()
    tally: Tally = dataclasses.field(default_factory=NothingCounted)


USUAL: Final = Circumstances()


def agent_of(device_id: str, fields: CallFields) -> str:
    """Whose call it is, as far as its data tell."""
    found = fields.agent_id or fields.sys_user or fields.crm_user or fields.device_alias or device_id
    return found.casefold()


def is_filtered(device_id: str, fields: CallFields, filters: Sequence[Pattern]) -> bool:
    """Whether a recording filter forbids to record the call."""
    return any(matches(pattern, device_id, fields) for pattern in filters)


def decide(
    device_id: str,
    fields: CallFields,
    schedules: Sequence[Schedule],
    now: dt.datetime,
    draw: float,
    beside: Circumstances = USUAL,
) -> Decision:
    """Decide on a call.

    Parameters
    ----------
    now
        Local time of the call's start.
    draw
        One random number of this call, in [0, 1): a schedule of p percent takes the call if ``draw * 100 < p``.
        One number for all schedules, so that two schedules of 20 and 30 percent together take 30.
    beside
        The other circumstances; a recording filter forbids before any schedule is asked.

    Among the schedules that match and take the call the highest priority wins, a tie goes to the earliest one.
    """
    if is_filtered(device_id, fields, beside.filters):
        return Decision(None, "a recording filter forbids it", filtered=True)
    matching = tuple(
        s
        for s in schedules
        if _is_open(s, fields, asked=beside.asked) and _in_window(s, now) and matches(s.match, device_id, fields)
    )
    if not matching:
        return Decision(None, "no schedule matches")
    agent = agent_of(device_id, fields)
    taking = [s for s in matching if _takes(s, agent, draw, beside.tally)]
    if not taking:
        return Decision(None, "left out by percentage or number of " + ", ".join(s.name for s in matching), matching)
    best = max(taking, key=lambda s: s.priority)  # max() gives the first of equals
    return Decision(best, f"schedule {best.name}", matching)


def _is_open(schedule: Schedule, fields: CallFields, *, asked: bool) -> bool:
    """Whether the schedule's kind takes calls that came about in this way."""
    match schedule.kind:
        case "api_initiated":
            return asked
        case "on_demand":
            return fields.agent_initiated
        case _:
            return True


def _takes(schedule: Schedule, agent: str, draw: float, tally: Tally) -> bool:
    chance, name = schedule.probability, schedule.name
    match schedule.kind:
        case "set_number":
            return tally.taken(name) < schedule.count and draw * 100 < chance
        case "agent_percentage":
            due = tally.taken(name, agent) * 100 < schedule.percent * (tally.seen(name, agent) + 1)
            return due and draw * 100 < chance
        case _:
            return draw * 100 < (schedule.percent if chance == 100 else schedule.percent * chance / 100)


def matches(pattern: Pattern, device_id: str, fields: CallFields) -> bool:
    """Whether every part of the pattern matches the call."""
    for name, wanted in pattern:
        value = device_id if name == "device_id" else str(getattr(fields, name))
        if not fnmatch.fnmatchcase(value.casefold(), wanted.casefold()):
            return False
    return True


def _in_window(schedule: Schedule, now: dt.datetime) -> bool:
    naive = now.replace(tzinfo=None)
    if (schedule.valid_from and naive < schedule.valid_from) or (
        schedule.valid_until and naive >= schedule.valid_until
    ):
        return False
    begin, end = schedule.minutes
    minute = now.hour * 60 + now.minute
    if begin < end:
        return begin <= minute < end and _on_day(schedule, now)
    if minute >= begin:
        return _on_day(schedule, now)
    return minute < end and _on_day(schedule, now - dt.timedelta(days=1))


def _on_day(schedule: Schedule, day: dt.datetime) -> bool:
    return not schedule.weekdays or day.isoweekday() in schedule.weekdays
