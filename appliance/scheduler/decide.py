"""The pure decision whether a call is recorded, and by which schedule."""

from __future__ import annotations

import dataclasses
import datetime as dt
import fnmatch
from collections.abc import Iterable, Sequence
from typing import final

from appliance.calls.fields import CallFields
from appliance.settings.models import ScheduleSettings


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Schedule:
    """One rule, in the order of creation. ``match`` holds shell patterns by field name of a call, ``device_id`` too.

    ``minutes`` is the time window of a day in minutes since midnight, ``[begin, end)``; an end at or before the begin
    lies on the next day. ``weekdays`` are 1 (Monday) to 7, empty for every day; they name the day a window begins on.
    """

    name: str
    percent: float = 100
    priority: int = 50
    keep_days: int = 30
    archive_action: int = -1
    max_record_time_s: int | None = None
    max_record_silence_s: int | None = None
    match: tuple[tuple[str, str], ...] = ()
    weekdays: tuple[int, ...] = ()
    minutes: tuple[int, int] = (0, 1440)


def schedules_of(settings: Iterable[ScheduleSettings]) -> tuple[Schedule, ...]:
    """Give the schedules of the settings file, in its order."""
    return tuple(_schedule_of(s) for s in settings)


def _schedule_of(s: ScheduleSettings) -> Schedule:
    match = {"device_id": s.device_id, "device_alias": s.device_alias, **s.match}
    return Schedule(
        name=s.name,
        percent=s.percent,
        priority=s.priority,
        keep_days=s.keep_days,
        archive_action=s.archive_action,
        max_record_time_s=s.max_record_time_s,
        max_record_silence_s=s.max_record_silence_s,
        match=tuple((name, pattern) for name, pattern in match.items() if pattern),
        weekdays=s.weekdays,
        minutes=(_minutes(s.time_from), _minutes(s.time_until)),
    )


def _minutes(time_of_day: str) -> int:
    hours, _, minutes = time_of_day.partition(":")
    return int(hours) * 60 + int(minutes)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """What was decided. Without a schedule the call is not recorded; ``reason`` says why."""

    schedule: Schedule | None
    reason: str

    @property
    def record(self) -> bool:
        """Whether the call is recorded."""
        return self.schedule is not None


def decide(
    device_id: str, fields: CallFields, schedules: Sequence[Schedule], now: dt.datetime, draw: float
) -> Decision:
    """Decide on a call.

    Parameters
    ----------
    now
        Local time of the call's start.
    draw
        One random number of this call, in [0, 1): a schedule of p percent takes the call if ``draw * 100 < p``.
        One number for all schedules, so that two schedules of 20 and 30 percent together take 30.

    Among the schedules that match and take the call the highest priority wins, a tie goes to the earliest one.
    """
    matching = [s for s in schedules if _in_window(s, now) and _matches(s, device_id, fields)]
    if not matching:
        return Decision(None, "no schedule matches")
    taking = [s for s in matching if draw * 100 < s.percent]
    if not taking:
        return Decision(None, "left out by percentage of " + ", ".join(s.name for s in matching))
    best = max(taking, key=lambda s: s.priority)  # max() gives the first of equals
    return Decision(best, f"schedule {best.name}")


def _matches(schedule: Schedule, device_id: str, fields: CallFields) -> bool:
    for name, pattern in schedule.match:
        value = device_id if name == "device_id" else str(getattr(fields, name))
        if not fnmatch.fnmatchcase(value.casefold(), pattern.casefold()):
            return False
    return True


def _in_window(schedule: Schedule, now: dt.datetime) -> bool:
    begin, end = schedule.minutes
    minute = now.hour * 60 + now.minute
    if begin < end:
        return begin <= minute < end and _on_day(schedule, now)
    if minute >= begin:
        return _on_day(schedule, now)
    return minute < end and _on_day(schedule, now - dt.timedelta(days=1))


def _on_day(schedule: Schedule, day: dt.datetime) -> bool:
    return not schedule.weekdays or day.isoweekday() in schedule.weekdays
