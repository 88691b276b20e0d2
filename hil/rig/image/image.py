"""The image as a whole: made once for all that goes into it, then found in the cache.

Two parts with digests of their own: ``system`` (Debian, kernel, first file system) changes seldom and takes a
minute; ``libraries`` follows the lock and takes a few seconds.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import shutil
from pathlib import Path
from typing import final

from hil.rig.cache import Cache, digest
from hil.rig.image.debian import OVERLAY, make_debian, settle_debian
from hil.rig.image.disk import write_disk
from hil.rig.image.host import Host, find_host
from hil.rig.image.initrd import write_initrd
from hil.rig.image.kernel import install_kernel, make_kernel, unpack_image
from hil.rig.image.libraries import AGENT, LOCK, make_libraries

_OWN = Path(__file__).parent


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Image:
    """The files that the machine starts from. ``key`` stands for all that they were made from."""

    key: str
    kernel: Path
    initrd: Path
    system: Path
    libraries: Path


def obtain_image(cache: Cache) -> Image:
    """Find the image, or make it. Raises HostUnfitError or BuildError where that is not possible."""
    host = find_host()
    system_key = digest(_OWN, OVERLAY, host.kernel, *host.sources)
    libraries_key = digest(_OWN / "libraries.py", AGENT, LOCK)
    system = cache.obtain("system", system_key, lambda folder: make_system(host, folder))
    libraries = cache.obtain("libraries", libraries_key, _make_libraries)
    return Image(
        key=digest(system_key, libraries_key),
        kernel=system / "vmlinux",
        initrd=system / "initrd.img",
        system=system / "system.ext4",
        libraries=libraries / "libraries.ext4",
    )


def make_system(host: Host, folder: Path) -> None:
    """Make the kernel, the first file system and the first disk in ``folder``; logs stay beside them."""
    root, logs, work = folder / "root", folder / "logs", folder / "work"
    logs.mkdir()
    work.mkdir()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        debian = pool.submit(make_debian, host, root, logs)
        kernel = pool.submit(make_kernel, host.kernel, work / "kernel", logs).result()
        debian.result()
    install_kernel(kernel, root, logs)
    settle_debian(root)
    modules = root / "usr/lib/modules" / host.kernel
    write_initrd(kernel.busybox, modules, work / "initrd", folder / "initrd.img", logs)
    (folder / "vmlinux").write_bytes(unpack_image(kernel.image))
    write_disk(root, folder / "system.ext4", logs)
    (folder / "packages.txt").write_text(_package_versions(root))
    shutil.rmtree(root)
    shutil.rmtree(work)


def _make_libraries(folder: Path) -> None:
    root, logs, work = folder / "root", folder / "logs", folder / "work"
    logs.mkdir()
    make_libraries(root, work, logs)
    write_disk(root, folder / "libraries.ext4", logs)
    shutil.rmtree(root)
    shutil.rmtree(work)


def _package_versions(root: Path) -> str:
    """What is inside, for whoever compares two images."""
    status = (root / "var/lib/dpkg/status").read_text(encoding="utf-8")
    fields = [dict(line.split(": ", 1) for line in p.splitlines() if ": " in line) for p in status.split("\n\n") if p]
    return "".join(f"{f['Package']} {f['Version']}\n" for f in fields)
