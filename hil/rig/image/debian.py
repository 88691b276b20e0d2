"""The machine's Debian: the fewest packages that are needed, then the files of ``overlay`` over them."""

from __future__ import annotations

import shutil
from pathlib import Path

from hil.rig.image.host import CODENAME, Host
from hil.rig.image.packages import GUEST_PACKAGES, read_packages
from hil.rig.image.sound import write_names
from hil.rig.image.steps import fetch

OVERLAY = Path(__file__).resolve().parents[1] / "overlay"
_LEFT_OUT = ("usr/share/man", "usr/share/doc", "usr/share/locale", "usr/share/info")
_EMPTIED = (*_LEFT_OUT, "var/cache/apt", "var/lib/apt/lists", "var/log")
# What would only take time at boot, or wake up in the middle of a measurement.
_MASKED = (
    "alsa-restore.service",
    "alsa-state.service",
    "apt-daily-upgrade.timer",
    "apt-daily.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty@tty1.service",
    "systemd-pstore.service",
    "systemd-timesyncd.service",
)
MACHINE_ID = "6c696e657461702d7269672d303030ff"  # always the same: nothing is set up anew at each boot


def make_debian(host: Host, root: Path, log_dir: Path) -> None:
    """Fill ``root`` with Debian. Takes about 40 s, most of it unpacking."""
    words = ["mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", '--aptopt=Apt::Install-Recommends "false"']
    words += [f"--dpkgopt=path-exclude=/{folder}/*" for folder in _LEFT_OUT]
    words += [f"--include={','.join(read_packages(GUEST_PACKAGES))}", CODENAME, str(root), *host.sources]
    # In a mount namespace: what it mounts into the tree is gone with it, however it ends.
    fetch(log_dir, "mmdebstrap", ["unshare", "--mount", *words])


def settle_debian(root: Path) -> None:
    """Put our files over the packages', and take away what only costs time or space."""
    for folder in _EMPTIED:
        for path in (root / folder).glob("*"):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    shutil.copytree(OVERLAY, root, dirs_exist_ok=True, symlinks=True)
    for unit in _MASKED:
        mask = root / "etc/systemd/system" / unit
        mask.unlink(missing_ok=True)
        mask.symlink_to("/dev/null")
    (root / "etc/hostname").write_text("rig\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost rig\n::1 localhost\n")
    (root / "etc/machine-id").write_text(f"{MACHINE_ID}\n")
    (root / "etc/asound.conf").write_text(write_names())
