"""Bring files to the disk so that they survive the loss of power."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import final

from appliance.recording.writer.part import Part

_FEW = 4
"""Up to so many files are forced one by one; more of them by one call for the whole file system, which is cheaper."""

_LIBC = ctypes.CDLL(None, use_errno=True)


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to the disk. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def fresh_of(path: Path) -> Path:
    """Where a file is written before it takes its name; left behind if that was broken off."""
    return path.with_name(path.name + ".new")


def write_whole(path: Path, text: str, *, durable: bool = True) -> None:
    """Write a small file at once: readers see the old one or the new one. Raises OSError.

    With ``durable`` it is on the disk when this returns, its name too.
    """
    fresh = fresh_of(path)
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        if durable:
            os.fsync(file.fileno())
    fresh.replace(path)
    if durable:
        sync_folder(path.parent)


@final
class Disks:
    """Forces growing files to their disks: each alone when they are few, else whole file systems at once.

    A descriptor a file system is kept open, since an error of writing back is told once to each that was open then.
    """

    def __init__(self) -> None:
        self._roots: dict[int, int] = {}

    def sync(self, parts: Iterable[Part]) -> dict[Path, OSError]:
        """Force every file to its disk and mark it so; gives the faults by the file's path."""
        by_device: dict[int, list[Part]] = {}
        for part in parts:
            by_device.setdefault(part.device, []).append(part)
        faults: dict[Path, OSError] = {}
        for device, some in by_device.items():
            self._keep(device, some[0])
            faults |= _tried(some, Part.sync) if len(some) <= _FEW else self._whole(device, some)
        return faults

    def close(self) -> None:
        """Close the descriptors."""
        for fd in self._roots.values():
            os.close(fd)
        self._roots.clear()

    def _keep(self, device: int, part: Part) -> None:
        if device not in self._roots:
            self._roots[device] = os.open(part.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def _whole(self, device: int, parts: list[Part]) -> dict[Path, OSError]:
        faults = _tried(parts, Part.write_header)
        if _LIBC.syncfs(self._roots[device]):
            code = ctypes.get_errno()
            faults = {part.path: OSError(code, os.strerror(code)) for part in parts}
        for part in parts:
            (part.fall_back if part.path in faults else part.synced)()
        return faults


def _tried(parts: list[Part], verb: Callable[[Part], None]) -> dict[Path, OSError]:
    faults: dict[Path, OSError] = {}
    for part in parts:
        try:
            verb(part)
        except OSError as fault:
            faults[part.path] = fault
    return faults
