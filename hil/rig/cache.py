"""A folder of things that are expensive to make, each under the digest of all that it is made from.

A thing is made in a folder beside its place and renamed when it is whole, so that a killed build leaves nothing that
looks finished. One process builds at a time; others wait for it and then find the thing there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import final

from hil.rig.errors import NotMadeError

KEEP = 2  # of each kind; the newest is in use, the one before helps to go back and forth between two branches
_DIGEST_LENGTH = 16


def default_folder() -> Path:
    """``$LINETAP_RIG_CACHE``, else ``linetap-rig`` among the user's caches."""
    named = os.environ.get("LINETAP_RIG_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "linetap-rig"


def digest(*parts: str | bytes | Path) -> str:
    """Digest texts and whole files or folders (names, modes and contents; compiled Python left out)."""
    total = hashlib.sha256()
    for part in parts:
        for chunk in _chunks(part):
            total.update(len(chunk).to_bytes(8, "big") + chunk)
    return total.hexdigest()[:_DIGEST_LENGTH]


def _chunks(part: str | bytes | Path) -> Iterator[bytes]:
    if isinstance(part, Path):
        for path in _files(part):
            yield f"{path.relative_to(part)} {path.lstat().st_mode & 0o111:o}".encode()
            yield str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
    else:
        yield part if isinstance(part, bytes) else part.encode()


def _files(top: Path) -> Iterable[Path]:
    if not top.is_dir():
        return [top]
    found = (path for path in top.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path for path in found if "__pycache__" not in path.parts)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Cache:
    """The things in one folder. ``kind`` names what a thing is, ``key`` the digest of its inputs.

    With ``makes`` False it gives only what is there already.
    """

    folder: Path
    makes: bool = True

    def find(self, kind: str, key: str) -> Path | None:
        """Give a finished thing's folder, and mark it as used."""
        place = self.folder / f"{kind}-{key}"
        if not place.is_dir():
            return None
        os.utime(place)
        return place

    def obtain(self, kind: str, key: str, make: Callable[[Path], None]) -> Path:
        """Give a thing's folder, made by ``make(folder)`` if it is not there. What ``make`` raises goes through.

        Raises NotMadeError where nothing is to be made.
        """
        if (place := self.find(kind, key)) is not None:
            return place
        if not self.makes:
            raise NotMadeError(f"{kind}-{key} is not in {self.folder}")
        with self._one_builder():
            if (place := self.find(kind, key)) is None:
                place = self._build(kind, key, make)
                self._forget(kind)
        return place

    def _build(self, kind: str, key: str, make: Callable[[Path], None]) -> Path:
        place, part = self.folder / f"{kind}-{key}", self.folder / f"part-{kind}-{key}"
        shutil.rmtree(part, ignore_errors=True)  # of a builder that was killed: only one builds at a time
        part.mkdir()
        try:
            make(part)
            part.rename(place)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return place

    def _forget(self, kind: str) -> None:
        places = sorted(self.folder.glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime_ns)
        for place in places[:-KEEP]:
            shutil.rmtree(place)

    @contextlib.contextmanager
    def _one_builder(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
