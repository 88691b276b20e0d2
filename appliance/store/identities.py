"""Numbers that are never given twice: RECORDID, the counter in GLOBALCALLID, and SEQUENCE of events.

Numbers are handed out from blocks. ``counters.json`` says up to where blocks were taken, and is on the disk before a
number of the block is given; so a killed box skips the rest of its block, and a clean end returns it. At start the
higher of file and database counts, so that either may be lost. Giving a number costs no disk access: the next block is
taken by a thread when half of one is used.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import final

import pydantic

from appliance import clock
from appliance.errors import DatabaseError, DiskFullError
from appliance.events.history import MOST_SEQUENCE
from appliance.units import CoreId, GlobalCallId, RecordId

logger = logging.getLogger(__name__)

BLOCK = 1000
MOST_RECORD_ID = 0x7FFF_FFFF
MOST_CALLS = 10**11 - 1
_PADDED_BYTES = 512  # one sector: can be written over in place when the disk has no room for a second file


@final
class Used(pydantic.BaseModel):
    """The highest number of each kind that was, or may have been, given. 0 is none."""

    model_config = pydantic.ConfigDict(frozen=True)

    record_id: int = 0
    call: int = 0
    event: int = 0

    def __or__(self, other: Used) -> Used:
        return Used(
            record_id=max(self.record_id, other.record_id),
            call=max(self.call, other.call),
            event=max(self.event, other.event),
        )


@final
class Identities:
    """The counters of one core. Any thread may take numbers."""

    def __init__(self, path: Path, core_id: int) -> None:
        self._path = path
        self._core_id = CoreId(core_id)
        self._lock = threading.Lock()  # held for moments only
        self._file_lock = threading.Lock()  # held while the disk works; taken first
        self._closed = False
        self._given = Used()
        self._taken = Used()
        self._keeper = ThreadPoolExecutor(1, "counters")
        self._taking: Future[None] | None = None

    def open(self, stored: Used | None) -> None:
        """Take the first block; blocks for the disk.

        ``stored`` is what the database knows, None where it cannot tell. Raises DatabaseError where neither file nor
        database can tell, since a number might then be given twice, and DiskFullError.
        """
        kept = self._kept()
        if kept is None and stored is None:
            raise DatabaseError(f"{self._path} and the database are both unreadable: no number is safe to give")
        self._given = self._taken = (kept or _without_file(stored)) | (stored or Used())
        self._take()

    def raise_to(self, used: Used) -> None:
        """Never give these or lower numbers (found in sidecars after a loss); blocks for the disk."""
        with self._lock:
            self._given = self._given | used
        self._take()

    def close(self) -> None:
        """Return the rest of the block; blocks for the disk."""
        self._closed = True
        self._keeper.shutdown()
        with self._file_lock:
            with self._lock:
                self._taken = returned = self._given
            try:
                self._keep(returned)
            except OSError as error:
                logger.warning("counters not returned to %s: %s", self._path, error)

    def next_record_id(self) -> RecordId:
        """Give a RECORDID: positive, 31 bits. Raises DiskFullError when no block could be taken for long."""
        return RecordId(self._next("record_id", MOST_RECORD_ID))

    def next_global_call_id(self) -> GlobalCallId:
        """Give a GLOBALCALLID: four digits of the core, eleven that count. Raises DiskFullError as above."""
        return GlobalCallId(f"{self._core_id:04d}{self._next('call', MOST_CALLS):011d}")

    def next_event(self) -> int:
        """Give a SEQUENCE. Raises DiskFullError as above."""
        return self._next("event", MOST_SEQUENCE)

    @property
    def given(self) -> Used:
        """The highest numbers so far; after a kill, those that may have been given."""
        with self._lock:
            return self._given

    def _next(self, kind: str, most: int) -> int:
        while True:
            with self._lock:
                number: int = getattr(self._given, kind) + 1
                taken: int = getattr(self._taken, kind)
                if number > most:
                    raise DiskFullError(f"the last {kind} was given: {most}")
                if number <= taken:
                    self._given = self._given.model_copy(update={kind: number})
                    self._take_in_time(taken - number)
                    return number
            self._take()  # whoever empties a block faster than the disk turns waits for it

    def _take_in_time(self, left: int) -> None:
        if left < BLOCK // 2 and not self._closed and (self._taking is None or self._taking.done()):
            self._taking = self._keeper.submit(self._try_to_take)

    def _try_to_take(self) -> None:
        try:
            self._take()
        except DiskFullError as error:
            logger.error("%s", error)  # noqa: TRY400 - the reason is in the text; asked again with the next number

    def _take(self) -> None:
        with self._file_lock:
            with self._lock:
                given, taken = self._given, self._taken
            taken |= Used(record_id=given.record_id + BLOCK, call=given.call + BLOCK, event=given.event + BLOCK)
            try:
                self._keep(taken)
            except OSError as error:
                raise DiskFullError(f"{self._path} cannot be written: {error}") from error
            with self._lock:
                self._taken = taken

    # --- the file

    def _kept(self) -> Used | None:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            return Used.model_validate_json(text)
        except ValueError as error:
            logger.error("%s is damaged (%s); the database's numbers count", self._path, error)  # noqa: TRY400
            return None

    def _keep(self, used: Used) -> None:
        octets = json.dumps(used.model_dump()).encode().ljust(_PADDED_BYTES - 1) + b"\n"
        try:
            self._replace(octets)
        except OSError:
            self._fresh.unlink(missing_ok=True)
            self._write_over(octets)

    @property
    def _fresh(self) -> Path:
        return self._path.with_suffix(".new")

    def _replace(self, octets: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._fresh
        with fresh.open("wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _write_over(self, octets: bytes) -> None:
        file = os.open(self._path, os.O_WRONLY)
        try:
            os.pwrite(file, octets, 0)
            os.fsync(file)
        finally:
            os.close(file)


def _without_file(stored: Used | None) -> Used:
    """Begin without the file. The database knows nothing of events: after a loss they count on from the time.

    That lies above what was given before, unless there were more than a thousand events a second ever since 1970.
    """
    lost = stored is not None and stored != Used()
    return Used(event=int(clock.now().timestamp() * 1000)) if lost else Used()
