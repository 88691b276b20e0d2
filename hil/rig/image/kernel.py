"""The machine's kernel: Debian's own binary, those of its modules that tests use, and DAHDI's built for it."""

from __future__ import annotations

import dataclasses
import gzip
import lzma
import re
import shutil
import struct
from pathlib import Path
from typing import final

from hil.rig.errors import BuildError
from hil.rig.image.steps import fetch, run

# Parts of the module tree (files or folders) that the machine gets; all of it would be 350 MB.
MODULE_PARTS = tuple(
    """
    arch crypto lib sound virt
    fs/9p fs/fuse fs/ext4 fs/jbd2 fs/overlayfs fs/netfs fs/fscache fs/mbcache.ko fs/configfs
    drivers/virtio drivers/block/virtio_blk.ko drivers/char drivers/usb drivers/input drivers/hid drivers/media/mc
    drivers/net/dummy.ko drivers/net/veth.ko drivers/net/virtio_net.ko drivers/net/net_failover.ko
    net/9p net/core net/vmw_vsock net/ipv4 net/ipv6 net/packet net/sched
    """.split()  # noqa: SIM905 -- read as a list, kept short as a text
)
DAHDI_MODULES = ("dahdi", "dahdi_dynamic", "dahdi_dynamic_loc", "dahdi_dynamic_eth", "dahdi_dummy", "dahdi_echocan_mg2")
_TABLES = ("modules.order", "modules.builtin", "modules.builtin.modinfo")


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Kernel:
    """Unpacked Debian packages: the kernel's files, DAHDI's tools and sources, a static busybox."""

    release: str
    image: Path
    modules: Path
    dahdi_tools: Path
    dahdi_modules: Path
    busybox: Path


def make_kernel(release: str, work: Path, log_dir: Path) -> Kernel:
    """Fetch and unpack the packages, and build DAHDI's modules. Takes about 30 s on one processor."""
    work.mkdir()
    names = {"image": f"linux-image-{release}", "tools": "dahdi", "sources": "dahdi-dkms", "busybox": "busybox-static"}
    for folder, package in names.items():
        fetch(
            log_dir,
            f"download-{folder}",
            ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", package],
            cwd=work,
        )
        archive = next(work.glob(f"{package}_*.deb"))
        run(log_dir, f"unpack-{folder}", ["dpkg", "-x", archive, work / folder])
    return Kernel(
        release=release,
        image=work / "image" / "boot" / f"vmlinuz-{release}",
        modules=work / "image" / "lib" / "modules" / release,
        dahdi_tools=work / "tools",
        dahdi_modules=_build_dahdi(release, next((work / "sources/usr/src").glob("dahdi-*")), log_dir),
        busybox=work / "busybox" / "bin" / "busybox",
    )


def _build_dahdi(release: str, sources: Path, log_dir: Path) -> Path:
    """Build the few modules that need no hardware; drivers of cards are left out."""
    kbuild = sources / "drivers" / "dahdi" / "Kbuild"
    wanted = re.compile(r"^obj-\$\(DAHDI_BUILD_ALL\)\$\(CONFIG_DAHDI(_DYNAMIC(_LOC|_ETH)?|_ECHOCAN_MG2)?\)")
    lines = kbuild.read_text().splitlines()
    kept = [line for line in lines if not line.startswith("obj-$(DAHDI_BUILD_ALL)") or wanted.match(line)]
    kbuild.write_text("\n".join([*kept, ""]))
    words = ["make", "-j2", "modules", f"KVERS={release}", "MODULES_EXTRA=dahdi_dummy"]
    run(log_dir, "dahdi", words, cwd=sources)
    return sources / "drivers" / "dahdi"


def install_kernel(kernel: Kernel, root: Path, log_dir: Path) -> None:
    """Put the modules and DAHDI's tools into the machine's file system."""
    modules = root / "usr/lib/modules" / kernel.release
    for part in MODULE_PARTS:
        source, target = kernel.modules / "kernel" / part, modules / "kernel" / part
        if source.is_dir():
            shutil.copytree(source, target)
        elif source.exists():  # some are built into one kernel and modules of the next
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    for table in _TABLES:
        shutil.copy2(kernel.modules / table, modules / table)
    (modules / "updates").mkdir()
    for name in DAHDI_MODULES:
        found = next(kernel.dahdi_modules.rglob(f"{name}.ko"), None)
        if found is None:
            raise BuildError(f"DAHDI was built without {name}")
        shutil.copy2(found, modules / "updates")
    run(log_dir, "depmod", ["depmod", "-b", root / "usr", kernel.release])
    # The machine's /lib is a link into /usr: a package's own /lib must not take its place.
    for folder, place in (("lib", "usr/lib"), ("sbin", "usr/sbin"), ("usr", "usr"), ("etc", "etc")):
        if (kernel.dahdi_tools / folder).is_dir():
            shutil.copytree(kernel.dahdi_tools / folder, root / place, dirs_exist_ok=True, symlinks=True)


def unpack_image(image: Path) -> bytes:
    """Give the uncompressed kernel inside a bzImage: unpacking it under emulation would take seconds of each boot.

    The payload's place is in the header (the kernel's Documentation/x86/boot.rst, protocol 2.08 and later). Raises
    BuildError for a compression that the standard library does not know.
    """
    whole = image.read_bytes()
    begin = ((whole[0x1F1] or 4) + 1) * 512
    offset, length = struct.unpack_from("<II", whole, 0x248)
    payload = whole[begin + offset : begin + offset + length]
    if payload.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMADecompressor().decompress(payload)
    if payload.startswith(b"\x1f\x8b"):
        return gzip.decompress(payload)
    raise BuildError(f"the kernel is packed in an unknown way: {payload[:6].hex()}")
