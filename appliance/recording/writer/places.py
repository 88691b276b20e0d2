"""Which names a recording has on the disk: the ``.part``, the pointer to it, the final file, the sidecar, the note."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import final

from appliance.recording.writer.durable import fresh_of, sync_folder, write_whole
from appliance.recording.writer.notes import PartNote, note_path, read_part_note

PART_SUFFIX = ".part"


def names(final_path: Path) -> Iterator[Path]:
    """Give the name itself, then ``-2``, ``-3``, … before its suffix, without an end."""
    yield final_path
    for n in itertools.count(2):
        yield final_path.with_stem(f"{final_path.stem}-{n}")


def part_of(final_path: Path) -> Path:
    """Where the final file grows."""
    return final_path.with_name(final_path.name + PART_SUFFIX)


def final_of(part: Path) -> Path:
    """What the ``.part`` shall become."""
    return part.with_name(part.name.removesuffix(PART_SUFFIX))


def sidecar_of(final_path: Path) -> Path:
    """Where the facts of the final file lie."""
    return final_path.with_name(final_path.name + ".json")


def is_free(final_path: Path) -> bool:
    """Tell whether neither a file nor a sidecar has the name."""
    return not (os.path.lexists(final_path) or os.path.lexists(sidecar_of(final_path)))


@final
class OpenParts:
    """Pointers to all ``.part`` files that grow: ``data_dir/open/<record_id>`` is a symbolic link to the note.

    They make recovery independent of how many recordings there are, and of where they lie.
    """

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "open"
        self._folder.mkdir(parents=True, exist_ok=True)

    def find(self, record_id: int) -> Path | None:
        """Give the ``.part`` that was begun for a record."""
        try:
            note = (self._folder / str(record_id)).readlink()
        except FileNotFoundError:
            return None
        return note.with_name(note.name.removesuffix(".json"))

    def begin(self, note: PartNote) -> Path:
        """Choose the name of a new ``.part`` and write its note and pointer, durably. Raises OSError."""
        final_path = Path(note.claim.path)
        final_path.parent.mkdir(parents=True, exist_ok=True)
        for name in names(final_path):
            part = part_of(name)
            if is_free(name) and not os.path.lexists(part) and not os.path.lexists(note_path(part)):
                break
        self._point(note.claim.record_id, note_path(part))
        write_whole(note_path(part), note.model_dump_json())
        return part

    def remove(self, record_id: int, part: Path) -> None:
        """Remove a ``.part``, its note and its pointer; what is gone already is no fault. Raises OSError."""
        part.unlink(missing_ok=True)
        note_path(part).unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            sync_folder(part.parent)
        (self._folder / str(record_id)).unlink(missing_ok=True)

    def all(self) -> dict[int, Path]:
        """Give every ``.part`` that was begun and not removed, by its record."""
        found: dict[int, Path] = {}
        for pointer in self._folder.iterdir():
            if pointer.name.isdecimal() and (part := self.find(int(pointer.name))) is not None:
                found[int(pointer.name)] = part
        return found

    def read(self, record_id: int) -> tuple[Path, PartNote] | None:
        """Give the ``.part`` of a record and its note, if both the pointer and the note are there and agree."""
        part = self.find(record_id)
        note = read_part_note(part) if part is not None else None
        if part is None or note is None or note.claim.record_id != record_id:
            return None
        return part, note

    def forget(self, record_id: int) -> None:
        """Remove a pointer to a note that was never written; a note that is there stays for a person to look at."""
        part = self.find(record_id)
        if part is not None and not note_path(part).exists():
            fresh_of(note_path(part)).unlink(missing_ok=True)
            (self._folder / str(record_id)).unlink(missing_ok=True)

    def _point(self, record_id: int, note: Path) -> None:
        pointer = self._folder / str(record_id)
        pointer.unlink(missing_ok=True)
        pointer.symlink_to(note.absolute())
        sync_folder(self._folder)
