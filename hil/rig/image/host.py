"""What the host must have before an image can be made, and what the image takes from it."""

from __future__ import annotations

import dataclasses
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import final

from hil.rig.errors import HostUnfitError
from hil.rig.image.packages import HOST_PACKAGES, read_packages

CODENAME = "bookworm"  # DAHDI's modules and the wheels are built here for the machine, so both run the same Debian
PYTHON = (3, 11)
_APT_FIELDS = "$(ORIGIN)|$(CODENAME)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """``kernel`` is the release whose headers are installed; ``sources`` are lines of a sources.list."""

    kernel: str
    sources: tuple[str, ...]


def find_host() -> Host:
    """Look at this host. Raises HostUnfitError with what to do about it."""
    _check_system()
    missing = missing_packages(read_packages(HOST_PACKAGES))
    if missing:
        raise HostUnfitError(f"Debian packages are missing; run: sudo apt-get install {' '.join(missing)}")
    return Host(_kernel(), debian_sources(_apt_index()))


def _check_system() -> None:
    release = platform.freedesktop_os_release()
    if release.get("VERSION_CODENAME") != CODENAME or platform.machine() != "x86_64":
        raise HostUnfitError(f"the rig is made on Debian 12 ({CODENAME}) for amd64; this is {release.get('NAME')}")
    if sys.version_info[:2] != PYTHON:
        raise HostUnfitError(f"the machine runs Python 3.11 and gets its wheels from it; this is {sys.version}")
    if os.geteuid() != 0:
        raise HostUnfitError("making the image needs root: files of many users, a chroot")


def missing_packages(names: Sequence[str]) -> list[str]:
    """Give those of the Debian packages that are not installed."""
    done = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${binary:Package} ${db:Status-Status}\n", *names],
        capture_output=True,
        text=True,
        check=False,
    )
    states = (line.split() for line in done.stdout.splitlines())
    there = {words[0].partition(":")[0] for words in states if words[1:] == ["installed"]}
    return [name for name in names if name not in there]


def debian_sources(index: str) -> tuple[str, ...]:
    """Make lines of a sources.list from what ``apt-get indextargets`` says, Debian's own archives alone.

    Raises HostUnfitError where the host has none, as before its first ``apt-get update``.
    """
    lines = []
    for row in index.splitlines():
        origin, codename, uri, release, component = row.split("|")
        if origin == "Debian" and codename.split("-")[0] == CODENAME and component == "main":
            lines.append(f"deb {uri} {release} {component}")
    if not lines:
        raise HostUnfitError(f"apt knows no archive of Debian {CODENAME}; run: sudo apt-get update")
    return tuple(dict.fromkeys(lines))


def _apt_index() -> str:
    words = ["apt-get", "indextargets", "--format", _APT_FIELDS, "Identifier: Packages"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def _kernel() -> str:
    built = sorted(Path("/lib/modules").glob("*-amd64/build"), key=lambda p: _numbers(p.parent.name))
    if not built:
        raise HostUnfitError("no headers of Debian's kernel; run: sudo apt-get install --reinstall linux-headers-amd64")
    return built[-1].parent.name


def _numbers(release: str) -> list[int]:
    return [int(part) for part in release.replace("-", ".").split(".") if part.isdigit()]
