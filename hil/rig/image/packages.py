"""Lists of Debian packages: a name a line, with its reason behind it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HOST_PACKAGES = ROOT / "config" / "debian-packages-rig.txt"
GUEST_PACKAGES = Path(__file__).with_name("guest-packages.txt")


def read_packages(path: Path) -> list[str]:
    """Give the names in a list; ``#`` begins a comment."""
    lines = (line.split("#")[0].split() for line in path.read_text(encoding="utf-8").splitlines())
    return [words[0] for words in lines if words]
