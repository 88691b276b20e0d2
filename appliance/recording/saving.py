"""The last step of a recording: what the writer finished goes into the database, and RECORDINGUPDATE is told.

The writer's notes in the inbox wait until the database takes them, so a database that fails costs no recording.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, final

from appliance.calls.fields import CallFields
from appliance.errors import DatabaseError, LinetapError
from appliance.recording.active import ActiveRecording
from appliance.recording.announce import Announcer
from appliance.recording.facts import Recording

logger = logging.getLogger(__name__)

PATIENCE_S = 3.0
"""How long a recording that ended may take until it is saved, before nobody waits for it any more."""


class Inbox(Protocol):
    """Notes of finished recordings."""

    async def import_one(self, note: Path) -> Recording | None:
        """Put one recording in; None if it is in already. Raises LinetapError."""
        ...

    async def import_all(self) -> list[Recording]:
        """Put in whatever waits, and give what went in."""
        ...


class Records(Protocol):
    """Where late changes of the call's fields go."""

    async def update(self, record_id: int, changes: dict[str, Any]) -> bool:
        """Change descriptive fields of a record. Raises DatabaseError."""
        ...


@final
class Saver:
    """Saves finished recordings one after the other, each after its RECORDINGSTOPPED was told.

    Parameters
    ----------
    find_active
        Gives the recording of that RECORDID that has not let its line go yet, or None.
    retry_s
        How often notes that the database did not take are tried again.
    """

    def __init__(
        self,
        inbox: Inbox,
        records: Records,
        announcer: Announcer,
        find_active: Callable[[int], ActiveRecording | None],
        *,
        retry_s: float = 5.0,
    ) -> None:
        self._inbox = inbox
        self._records = records
        self._announcer = announcer
        self._find_active = find_active
        self._retry_s = retry_s
        self._notes: asyncio.Queue[tuple[ActiveRecording | None, Path]] = asyncio.Queue()
        self._importing = asyncio.Lock()
        self._unfreed: set[asyncio.Task[None]] = set()
        self.saved = 0
        self._ending: dict[int, tuple[str, asyncio.Event]] = {}

    def expect(self, active: ActiveRecording) -> None:
        """Take note of a recording that has ended and will be finished soon."""
        self._ending[active.record_id] = (active.call.device_id, asyncio.Event())
        asyncio.get_running_loop().call_later(PATIENCE_S, self._saved, active.record_id)

    async def caught_up(self, device_id: str) -> None:
        """Wait until the recordings of the device that ended just now are saved; not longer than PATIENCE_S."""
        for saved in [saved for device, saved in self._ending.values() if device == device_id]:
            await saved.wait()

    def _saved(self, record_id: int) -> None:
        _, saved = self._ending.pop(record_id, ("", None))
        if saved:
            saved.set()

    def finished(self, record_id: int, note: Path) -> None:
        """Take the writer's word that a recording is whole on disk."""
        self._notes.put_nowait((self._find_active(record_id), note))

    async def run(self) -> None:
        """Save what is finished, for ever; a vital task."""
        while True:
            try:
                active, note = await asyncio.wait_for(self._notes.get(), self._retry_s)
            except TimeoutError:
                if not self._unfreed:
                    await self.save_all()
                continue
            if active and not active.freed.is_set():
                self._later(active, note)
            else:
                await self._save(active, note)
            self._notes.task_done()

    def _later(self, active: ActiveRecording, note: Path) -> None:
        """Take the note again when the recording's end was told."""

        async def wait() -> None:
            await active.freed.wait()
            self._unfreed.discard(task)
            self._notes.put_nowait((active, note))

        task = asyncio.create_task(wait(), name=f"end of recording {active.record_id}")
        self._unfreed.add(task)

    async def save_all(self) -> None:
        """Save whatever lies in the inbox: of an earlier life of the box, or left there by a failing database."""
        async with self._importing:
            for recording in await self._inbox.import_all():
                self._tell(recording)

    async def drain(self) -> None:
        """Wait until everything that was finished is saved, or lies in the inbox for the next start."""
        while self._unfreed:
            await asyncio.wait(self._unfreed)
        await self._notes.join()

    async def _save(self, active: ActiveRecording | None, note: Path) -> None:
        async with self._importing:
            try:
                recording = await self._inbox.import_one(note)
            except LinetapError as error:
                logger.warning("%s waits in the inbox: %s", note.name, error)
                return
            if recording is None:
                return
            if active:
                recording = await self._with_late_changes(recording, active.call.fields)
            self._tell(recording)

    async def _with_late_changes(self, recording: Recording, fields: CallFields) -> Recording:
        """Add what CALLUPDATE told after the writer had closed the recording."""
        told = fields.model_dump(exclude={"keep_days", "archive_action"})
        before = recording.fields.model_dump()
        changes = {name: value for name, value in told.items() if value != before[name]}
        if not changes:
            return recording
        try:
            await self._records.update(recording.record_id, changes)
        except DatabaseError as error:
            logger.error("record %d lacks late changes %s: %s", recording.record_id, sorted(changes), error)  # noqa: TRY400
        return recording.model_copy(update={"fields": recording.fields.changed(changes)})

    def _tell(self, recording: Recording) -> None:
        self.saved += 1
        self._saved(recording.record_id)
        self._announcer.recording_saved(recording)
