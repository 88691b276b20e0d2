"""The first file system: finds the disks, puts memory over the first one, and hands over to systemd."""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from hil.rig.image.steps import run

WANTED = ("virtio_pci", "virtio_blk", "ext4", "overlay", "virtio_console", "crc32c_generic")
_FOLDERS = ("bin", "dev", "proc", "sys", "new", "lower", "rw", "lib/modules")
INIT = """#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc proc /proc; $B mount -t sysfs sys /sys; $B mount -t devtmpfs dev /dev
for module in $($B cat /modules.order); do $B insmod /lib/modules/$module.ko || $B echo "initrd: no $module"; done
i=0; while [ ! -b /dev/vdb ] && [ $i -lt 250 ]; do $B usleep 20000; i=$((i+1)); done
# The disks stay as they are: whatever a test writes goes to memory.
$B mount -t ext4 -o ro,noload /dev/vda /lower
$B mount -t tmpfs -o size=512m rw /rw; $B mkdir /rw/upper /rw/work
$B mount -t overlay -o lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work root /new || $B poweroff -f
$B mount -t ext4 -o ro,noload /dev/vdb /new/opt || $B poweroff -f
for place in proc sys dev; do $B mount --move /$place /new/$place; done
exec $B switch_root /new /sbin/init
"""


def write_initrd(busybox: Path, modules: Path, work: Path, target: Path, log_dir: Path) -> None:
    """Write the file system to ``target``. ``modules`` has a modules.dep and everything that it names."""
    for folder in _FOLDERS:
        (work / folder).mkdir(parents=True)
    shutil.copy2(busybox, work / "bin" / "busybox")
    files = load_order((modules / "modules.dep").read_text(), WANTED)
    for file in files:
        shutil.copy2(modules / file, work / "lib/modules" / Path(file).name)
    (work / "modules.order").write_text("\n".join([*(Path(file).stem for file in files), ""]))
    (work / "init").write_text(INIT)
    (work / "init").chmod(0o755)
    run(log_dir, "initrd", ["sh", "-c", f"find . | cpio -o -H newc --quiet > {target}.cpio"], cwd=work)
    packed = target.with_name(f"{target.name}.cpio")
    target.write_bytes(gzip.compress(packed.read_bytes(), 1))
    packed.unlink()


def load_order(dependencies: str, wanted: Iterable[str]) -> list[str]:
    """Order module files so that each comes after those that it needs.

    ``dependencies`` is the text of a modules.dep; a module that it does not know is built into the kernel.
    """
    needs = dict(line.split(":", 1) for line in dependencies.splitlines())
    file_of = {_name(file): file for file in needs}
    order: list[str] = []

    def add(file: str) -> None:
        if file not in order:
            for needed in needs[file].split():
                add(needed)
            order.append(file)

    for name in wanted:
        if name in file_of:
            add(file_of[name])
    return order


def _name(file: str) -> str:
    return re.sub(r"\.ko$", "", file.rpartition("/")[2]).replace("-", "_")
