"""Finished recordings on their way into the database.

The writer leaves a note ``data_dir/inbox/<record_id>.json`` (``{"sidecar": path}``) for each recording that is whole
on disk. Putting it in is safe to repeat: a note goes only after its record is committed. A note or sidecar that makes
no sense is moved to ``inbox/bad`` and told in the log; one whose sidecar cannot be read now (a disk that is away), or
that the database does not take now, stays for the next time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import final

import pydantic

from appliance.errors import DatabaseError, LinetapError
from appliance.recording.facts import Recording
from appliance.store.records import Records

logger = logging.getLogger(__name__)

_GROUP = 200


class NoteBadError(LinetapError):
    """A note, or the sidecar it points to, makes no sense; the note was put aside."""


class NoteWaitsError(LinetapError):
    """The sidecar cannot be read now; the note stays."""


class _Note(pydantic.BaseModel):
    sidecar: Path


@final
class Inbox:
    """The folder of notes, and what stands in the sidecars they point to."""

    def __init__(self, folder: Path, records: Records) -> None:
        self.folder = folder
        self._records = records
        self._told: set[str] = set()  # notes that wait and were told, so that the log is not filled with them

    async def import_one(self, note: Path) -> Recording | None:
        """Put one recording in, and delete its note; None if the note is gone, thus in already.

        Raises DatabaseError, NoteBadError, NoteWaitsError.
        """
        recording = await asyncio.to_thread(self._open, note)
        if recording is not None:
            await self._records.save(recording)
            await asyncio.to_thread(note.unlink, missing_ok=True)
        return recording

    async def import_all(self) -> list[Recording]:
        """Put in whatever waits, oldest id first, and give what went in; what did not is told in the log."""
        imported: list[Recording] = []
        for note in await asyncio.to_thread(self.waiting):
            try:
                recording = await self.import_one(note)
            except DatabaseError as error:
                logger.error("the inbox waits for the database: %s", error)  # noqa: TRY400 - told there already
                break
            except (NoteBadError, NoteWaitsError):
                continue  # told where it was found
            if recording is not None:
                imported.append(recording)
        return imported

    async def rebuild(self, recording_root: Path) -> int:
        """Put in every recording below the folder that the database lacks, from its sidecar; give their number.

        What is in the database stays as it is. Raises DatabaseError.
        """
        added = 0
        sidecars = await asyncio.to_thread(lambda: sorted(recording_root.rglob("*.json")))
        for first in range(0, len(sidecars), _GROUP):
            group = sidecars[first : first + _GROUP]
            found = await asyncio.to_thread(lambda paths: list(_readable(paths)), group)
            added += await self._records.add_missing(found)
        return added

    def waiting(self) -> list[Path]:
        """Notes that wait, by record id."""
        notes = self.folder.glob("*.json") if self.folder.is_dir() else ()
        return sorted(notes, key=lambda note: (len(note.stem), note.stem))

    def _open(self, path: Path) -> Recording | None:
        """Read the note and its sidecar; runs in a thread."""
        try:
            octets = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            note = _Note.model_validate_json(octets)
            return Recording.model_validate_json(note.sidecar.read_bytes())
        except OSError as error:
            if path.name not in self._told:
                logger.warning("note %s waits: %s", path.name, error)
                self._told.add(path.name)
            raise NoteWaitsError(f"{path.name}: {error}") from error
        except ValueError as error:
            self._put_aside(path, error)
            raise NoteBadError(f"{path.name}: {error}") from error

    def _put_aside(self, path: Path, error: ValueError) -> None:
        bad = self.folder / "bad"
        bad.mkdir(exist_ok=True)
        path.replace(bad / path.name)
        logger.error("note %s makes no sense and was put into %s: %s", path.name, bad, error)


def _readable(sidecars: list[Path]) -> Iterator[Recording]:
    for path in sidecars:
        try:
            yield Recording.model_validate_json(path.read_bytes())
        except (OSError, ValueError) as error:
            logger.warning("%s is no sidecar that can be read: %s", path, error)
