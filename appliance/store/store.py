"""The store as the box opens it: one database, its repositories, the inbox and the counters."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import final

import peewee

from appliance.errors import DatabaseError
from appliance.store.agents import Agents
from appliance.store.audit import Audit
from appliance.store.calls import Calls
from appliance.store.database import Database
from appliance.store.devices import Devices
from appliance.store.directory import Directory
from appliance.store.groups import Groups
from appliance.store.identities import Identities, Used
from appliance.store.inbox import Inbox
from appliance.store.mail import Mails
from appliance.store.records import Records
from appliance.store.schedules import Schedules
from appliance.store.stations import Stations
from appliance.store.tables import CallRow, RecordingRow
from appliance.store.terms import Terms
from appliance.store.users import Users
from appliance.store.windows import Windows

logger = logging.getLogger(__name__)

_CORE_DIGITS = 4
_FILE = "linetap.db"


@contextlib.asynccontextmanager
async def open_mails(data_dir: Path) -> AsyncIterator[Mails]:
    """Give the queue of mails to another process than the box, which may run at the same time."""
    database = Database(data_dir / _FILE)
    try:
        yield Mails(database)
    finally:
        await database.close()


@final
class Store:
    """Everything that the box remembers, below ``data_dir``. Its coroutines belong to the loop that opened it."""

    def __init__(self, data_dir: Path, core_id: int, *, busy_s: float = 2.0) -> None:
        self._database = Database(data_dir / _FILE, busy_s=busy_s)
        self._core_id = core_id
        self.records = Records(self._database)
        self.calls = Calls(self._database)
        self.devices = Devices(self._database)
        self.stations = Stations(self._database)
        self.agents = Agents(self._database)
        self.groups = Groups(self._database)
        self.users = Users(self._database)
        self.terms = Terms(self._database)
        self.windows = Windows(self._database)
        self.audit = Audit(self._database)
        self.mails = Mails(self._database)
        self.schedules = Schedules(self._database)
        self.directory = Directory(self.stations, self.agents)
        self.inbox = Inbox(data_dir / "inbox", self.records)
        self.identities = Identities(data_dir / "counters.json", core_id)

    async def open(self) -> None:
        """Open the database and the counters.

        A database that cannot be opened now is told in the log, and each later request tries it again: the box records
        without it. Raises DatabaseError where the counters are lost with it, and DiskFullError.
        """
        try:
            stored = await self._database.read(self._used)
        except DatabaseError as error:
            logger.error("the box starts without its database: %s", error)  # noqa: TRY400 - told there already
            stored = None
        await asyncio.to_thread(self.identities.open, stored)
        await self.agents.roster.recall()

    async def rebuild(self, recording_root: Path) -> int:
        """Put in the recordings below the folder that the database lacks; their numbers are not given again."""
        added = await self.inbox.rebuild(recording_root)
        used = await self._database.read(self._used)
        await asyncio.to_thread(self.identities.raise_to, used)
        return added

    async def close(self) -> None:
        """Finish what waits, and close; what is asked afterwards gets DatabaseError."""
        await self.audit.flush()
        await self._database.close()
        await asyncio.to_thread(self.identities.close)

    def _used(self, database: peewee.Database) -> Used:
        record_id = RecordingRow.select(peewee.fn.MAX(RecordingRow.record_id)).scalar(database)
        calls = [self._last_call(database, row) for row in (RecordingRow, CallRow)]
        return Used(record_id=record_id or 0, call=max(calls))

    def _last_call(self, database: peewee.Database, row: type[RecordingRow | CallRow]) -> int:
        ids = peewee.fn.LOWER(row.global_call_id)  # so that the recordings' index serves
        core = f"{self._core_id:0{_CORE_DIGITS}d}"
        last = row.select(peewee.fn.MAX(ids)).where((ids >= core) & (ids < core + ":")).scalar(database)
        digits = (last or "")[_CORE_DIGITS:]
        return int(digits) if digits.isdecimal() else 0
