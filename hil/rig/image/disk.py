"""A folder as a disk: one ext4 file system, made without mounting anything."""

from __future__ import annotations

from pathlib import Path

from hil.rig.image.steps import run

_SPARE_BYTES = 24 << 20


def write_disk(folder: Path, target: Path, log_dir: Path) -> None:
    """Write ``folder`` to a disk file that has a little more room than it needs."""
    used_bytes = int(run(log_dir, f"size-{target.stem}", ["du", "-s", "-B1", folder]).split()[0])
    with target.open("wb") as disk:
        disk.truncate(used_bytes * 5 // 4 + _SPARE_BYTES)
    words = ["mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-m", "0", "-d", str(folder), str(target)]
    run(log_dir, f"mkfs-{target.stem}", words)
