"""The box's health, as SYSTEMSTATUS shows it: disk, processors, memory, uptime, from the kernel's own files."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path

from appliance.bus.commands import SystemView

_MIB = 1 << 20
PROC = Path("/proc")


def read_system(recording_path: Path, proc: Path = PROC) -> SystemView:
    """Read all of it now. Blocks for the disk's answer, so call it in a thread where that may hang.

    ``proc`` is the root of the files read, for tests. Raises OSError.
    """
    total_mib, free_mib = _disk(recording_path)
    memory = dict(_memory_kib((proc / "meminfo").read_text()))
    return SystemView(
        recording_path=str(recording_path),
        disk_total_mib=total_mib,
        disk_free_mib=free_mib,
        uptime_s=int(float((proc / "uptime").read_text().split()[0])),
        processors=tuple(_processors((proc / "cpuinfo").read_text())),
        ram_total_mib=memory["MemTotal"] // 1024,
        ram_free_mib=memory.get("MemAvailable", memory["MemFree"]) // 1024,
    )


def _disk(path: Path) -> tuple[int, int]:
    """Size, and what an ordinary user may still write, of the disk that the path is or will be on."""
    existing = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
    disk = os.statvfs(existing)
    return disk.f_blocks * disk.f_frsize // _MIB, disk.f_bavail * disk.f_frsize // _MIB


def _memory_kib(text: str) -> Iterator[tuple[str, int]]:
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        if rest.strip():
            yield name, int(rest.split()[0])


def _processors(text: str) -> Iterator[tuple[float, str]]:
    """One for each ``processor`` block: its MHz (0 where the kernel does not tell, as on ARM) and its name."""
    for block in text.split("\n\n"):
        facts = {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in block.splitlines())}
        if "processor" in facts:
            yield float(facts.get("cpu MHz", 0)), facts.get("model name") or platform.machine()
