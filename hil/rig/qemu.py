"""QEMU's command line: a machine without a network, run by software emulation alone.

Its two lines to the outside are sockets that its starter made and hands down, so nothing lies in a file system, and
the end of either side is seen by the other.
"""

from __future__ import annotations

import enum
import shlex
from pathlib import Path

from hil.rig.image.image import Image

PROGRAM = "qemu-system-x86_64"
MEMORY_MIB = 1024
_KERNEL_WORDS = (
    "console=ttyS0 panic=-1 mitigations=off audit=0 selinux=0 apparmor=0 nokaslr random.trust_cpu=on "
    "systemd.unit=multi-user.target systemd.show_status=0"
)


class Time(enum.StrEnum):
    """How time passes in the machine.

    ``COUNTED``: by instructions, whatever the host does meanwhile; idle time is skipped, so an hour of recording
    takes seconds. All that a test listens to or plays to must be inside. ``REAL``: as on the host, two processors.
    """

    COUNTED = "counted"
    REAL = "real"


def command(image: Image, passing: Time, *, agent_fd: int, control_fd: int, snapshot: Path | None) -> list[str]:
    """Give QEMU's words. With ``snapshot`` it goes on from there, else it boots. Its console is its output."""
    return [
        *("setpriv", "--pdeathsig", "KILL", PROGRAM),  # a starter that is killed leaves no machine behind
        *("-nodefaults", "-no-user-config", "-machine", "q35", "-cpu", "max", "-m", str(MEMORY_MIB)),
        *_time_words(passing),
        *("-display", "none", "-no-reboot", "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"),
        *("-chardev", f"socket,id=control,fd={control_fd}", "-mon", "chardev=control,mode=control"),
        *("-device", "virtio-serial-pci", "-chardev", f"socket,id=agent,fd={agent_fd}"),
        *("-device", "virtserialport,chardev=agent,name=rig.0", "-device", "virtio-rng-pci"),
        *_disk_words("d0", image.system),
        *_disk_words("d1", image.libraries),
        *("-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", _kernel_words(passing)),
        *(("-incoming", f"exec:cat {shlex.quote(str(snapshot))}") if snapshot is not None else ()),
    ]


def _time_words(passing: Time) -> tuple[str, ...]:
    if passing is Time.COUNTED:
        return ("-accel", "tcg,thread=single,tb-size=256", "-smp", "1", "-icount", "shift=1,sleep=off")
    return ("-accel", "tcg,thread=multi,tb-size=256", "-smp", "2")


def _kernel_words(passing: Time) -> str:
    return _KERNEL_WORDS + (" clocksource=tsc tsc=reliable" if passing is Time.COUNTED else "")


def _disk_words(name: str, path: Path) -> tuple[str, ...]:
    drive = f"file={_escape(path)},format=raw,if=none,id={name},readonly=on,cache=unsafe"
    return ("-drive", drive, "-device", f"virtio-blk-pci,drive={name}")


def _escape(path: Path) -> str:
    return str(path).replace(",", ",,")  # a comma ends an option's value
