"""The schedules that hold at this moment: those of the settings file, then those that were added to the box."""

from __future__ import annotations

import asyncio
import logging
from typing import Final, final

from appliance import clock
from appliance.errors import DatabaseError
from appliance.scheduler.decide import schedules_of
from appliance.scheduler.service import Scheduler
from appliance.settings.models import ScheduleSettings
from appliance.store.schedules import Schedules

logger = logging.getLogger(__name__)

EVERY_S: Final = 2.0
"""How long a change may take until it counts."""


@final
class CurrentSchedules:
    """Keeps the scheduler's schedules up to date; what is changed counts for calls that begin afterwards.

    A stored schedule with a name of the settings file does not count: the file is the technician's last word.
    """

    def __init__(self, scheduler: Scheduler, schedules: Schedules, of_file: tuple[ScheduleSettings, ...]) -> None:
        self._scheduler = scheduler
        self._schedules = schedules
        self._of_file = of_file
        self._names = {one.name.lower() for one in of_file}
        self._stored: list[ScheduleSettings] | None = None
        self._failing = False

    async def recall(self) -> None:
        """Read them at the start, and how many calls each took today."""
        await self.look()
        midnight = clock.local(clock.now()).replace(hour=0, minute=0, second=0, microsecond=0)
        try:
            self._scheduler.tallies.recall(midnight.date(), await self._schedules.taken_since(midnight))
        except DatabaseError as error:
            logger.error("schedules with a number begin to count anew: %s", error)  # noqa: TRY400 - told by the store

    async def run(self) -> None:
        """Look for changes for ever; a vital task."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Read the stored schedules; where the database fails, those that held go on to hold."""
        try:
            stored = [one.settings for one in await self._schedules.all()]
        except DatabaseError as error:
            if not self._failing:
                logger.error("schedules are as they were before: %s", error)  # noqa: TRY400 - told by the store
            self._failing = True
            return
        self._failing = False
        if stored == self._stored:
            return
        for hidden in [one.name for one in stored if one.name.lower() in self._names]:
            logger.warning("the stored schedule %r does not count: the settings file has one of that name", hidden)
        counting = [one for one in stored if one.name.lower() not in self._names]
        if counting or self._stored is not None:
            names = ", ".join(one.name for one in (*self._of_file, *counting))
            logger.info("schedules that hold: %s", names or "none")
        self._stored = stored
        self._scheduler.schedules = schedules_of((*self._of_file, *counting))
