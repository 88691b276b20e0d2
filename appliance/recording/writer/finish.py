"""From a whole ``.part`` to a recording: hash, name, sidecar, note, in steps that may be broken off anywhere.

Each step is safe to do twice, and the order is such that a crash between two of them neither loses a recording nor
makes a second one: what was done is seen from the files themselves.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import final

from appliance.audio import wav
from appliance.recording.facts import Recording
from appliance.recording.writer.durable import sync_folder, write_whole
from appliance.recording.writer.notes import PartNote, Saved, note_path
from appliance.recording.writer.places import OpenParts, final_of, is_free, names, sidecar_of

logger = logging.getLogger(__name__)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Finisher:
    """Finishes recordings. ``inbox`` is where the store finds notes of recordings to take in."""

    parts: OpenParts
    inbox: Path

    def steps(self, part: Path, note: PartNote, mark: Callable[[Saved], None]) -> Iterator[str]:
        """Finish one recording, telling the name of each step when it is done.

        Parameters
        ----------
        part
            The sealed ``.part``: its length and its header are final. It may be gone if a finish was broken off.
        note
            Its note, ``recording`` filled in but for name, size and hash.
        mark
            Writes into the session that everything is saved.

        Raises OSError; then it is to be done again, later, with the note that is on the disk.
        """
        assert note.recording is not None
        if not note.recording.audio_hash:
            note = self._prove(part, note)
            yield "proved"
        if part.exists():
            note = self._name(part, note)
            yield "named"
        recording = note.recording
        assert recording is not None
        sidecar = sidecar_of(Path(recording.filename))
        write_whole(sidecar, recording.model_dump_json(indent=1))
        yield "told"
        inbox_note = self.inbox / f"{recording.record_id}.json"
        write_whole(inbox_note, json.dumps({"sidecar": str(sidecar)}))
        yield "noted"
        mark(Saved(record_id=recording.record_id, sidecar=str(sidecar), inbox_note=str(inbox_note), part=str(part)))
        yield "marked"
        self.parts.remove(recording.record_id, part)
        yield "removed"

    def _prove(self, part: Path, note: PartNote) -> PartNote:
        """Hash the file, choose its final name, and write both down."""
        assert note.recording is not None
        with part.open("rb") as file:
            audio_hash = hashlib.file_digest(file, "sha256").hexdigest()
        return _write(part, note, _free_name(part), audio_hash=audio_hash, audio_size=part.stat().st_size)

    def _name(self, part: Path, note: PartNote) -> PartNote:
        """Give the file its final name beside the one it has, taking another if somebody has taken it."""
        assert note.recording is not None
        final_path = Path(note.recording.filename)
        while not _link(part, final_path):
            final_path = _free_name(part)
            note = _write(part, note, final_path)
        sync_folder(final_path.parent)
        return note


def sealed(recording: Recording, layout: wav.Layout) -> Recording:
    """Give the recording with the length that its sealed file has."""
    return recording.model_copy(
        update={
            "frames": layout.frames,
            "channels": layout.channels,
            "duration_s": round(layout.frames / layout.rate_hz, 6),
        }
    )


def _free_name(part: Path) -> Path:
    return next(name for name in names(final_of(part)) if is_free(name))


def _write(part: Path, note: PartNote, final_path: Path, **facts: str | int) -> PartNote:
    assert note.recording is not None
    recording = note.recording.model_copy(update={"filename": str(final_path), **facts})
    note = note.model_copy(update={"recording": recording})
    write_whole(note_path(part), note.model_dump_json())
    return note


def _link(part: Path, final_path: Path) -> bool:
    """Link, never overwriting; True as well if the name is this very file already."""
    try:
        os.link(part, final_path)
    except FileExistsError:
        return final_path.samefile(part)
    return True
