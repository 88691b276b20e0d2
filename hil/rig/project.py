"""The product's sources on their way into a machine, as they stand in the tree at that moment."""

from __future__ import annotations

import compileall
import io
import shutil
import tarfile
import tempfile
from pathlib import Path

from hil.rig.image.libraries import SOURCES, UNCHECKED
from hil.rig.image.packages import ROOT
from hil.rig.machine import Machine

COMPILED = ("appliance", "drivers", "hil")
PARTS = (*COMPILED, "tests", "bench", "systemd", "udev", "config", "docs", "pyproject.toml", "README.md")
_ARCHIVE = "/run/linetap-sources.tar"


def pack_project(root: Path = ROOT) -> bytes:
    """Pack the sources as a tar archive, each module's compiled form beside it.

    Emulated, each start of the product would take seconds longer without: the box's own user cannot write there.
    """
    with tempfile.TemporaryDirectory(prefix="linetap-rig-") as folder:
        for part in PARTS:
            _copy(root / part, Path(folder) / part)
        for part in COMPILED:
            compileall.compile_dir(
                Path(folder) / part, quiet=2, stripdir=folder, prependdir=SOURCES, invalidation_mode=UNCHECKED
            )
        return _pack(Path(folder))


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    elif source.exists():
        shutil.copy2(source, target)


def _pack(folder: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        archive.add(folder, ".", filter=_for_all)
    return packed.getvalue()


def _for_all(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode |= 0o444 | (0o111 if entry.isdir() else 0)  # the box runs as a user of its own
    return entry


def install_project(machine: Machine, packed: bytes) -> None:
    """Unpack the sources where the machine's environment looks for them. Raises RigError."""
    machine.put(_ARCHIVE, packed)
    machine.run("mkdir", "-p", SOURCES).check()
    machine.run("tar", "-xf", _ARCHIVE, "-C", SOURCES).check()
    machine.run("rm", _ARCHIVE).check()
