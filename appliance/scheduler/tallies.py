"""How many calls each schedule has matched today, and how many of them it took. In memory; a day begins at midnight."""

from __future__ import annotations

import collections
import datetime as dt
from collections.abc import Mapping
from typing import final

from appliance.scheduler.decide import Decision


@final
class Tallies:
    """Implements ``decide.Tally`` for the day that :meth:`of` was last asked for."""

    def __init__(self) -> None:
        self._day = dt.date.min
        self._seen: collections.Counter[tuple[str, str]] = collections.Counter()
        self._taken: collections.Counter[tuple[str, str]] = collections.Counter()

    def of(self, day: dt.date) -> Tallies:
        """Give the tally of that day, which begins anew with another day."""
        if day != self._day:
            self._day = day
            self._seen.clear()
            self._taken.clear()
        return self

    def recall(self, day: dt.date, taken: Mapping[str, int]) -> None:
        """Take over how many calls each schedule took on that day in an earlier life of the box."""
        self.of(day)
        for schedule, calls in taken.items():
            self._taken[schedule, ""] += calls

    def count(self, decision: Decision, agent: str) -> None:
        """Count a call as the decision says."""
        for schedule in decision.matching:
            self._seen[schedule.name, agent] += 1
        if decision.schedule:
            self._taken[decision.schedule.name, agent] += 1

    def give_back(self, schedule: str, agent: str) -> None:
        """Count a call no more as taken: its recording came to nothing."""
        if self._taken[schedule, agent] > 0:
            self._taken[schedule, agent] -= 1

    def seen(self, schedule: str, agent: str) -> int:
        """Calls of the agent that matched."""
        return self._seen[schedule, agent]

    def taken(self, schedule: str, agent: str | None = None) -> int:
        """Calls that the schedule took; of all agents where none is named."""
        if agent is not None:
            return self._taken[schedule, agent]
        return sum(calls for (name, _), calls in self._taken.items() if name == schedule)
