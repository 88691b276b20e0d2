"""A capture stream that stands still without an error, as a card does whose transfers have stopped.

The kernel itself pauses the stream, asked through the file that its user has open: the card's clock stops, what was
there is read, and then nothing comes: no error, no end. Opening the card again makes a new stream, which runs. (A
``snd-aloop`` card that goes by another card's clock, its ``timer_source``, is no way to do this: such a card gave
``arecord`` no frame either, whether that clock ran or not.)
"""

from __future__ import annotations

import ctypes
import fcntl
import os
from pathlib import Path
from typing import Final

_PIDFD_GETFD: Final = 438  # Linux' number, the same on all machines; Python has no function for it
_PAUSE: Final = 0x40044145  # SNDRV_PCM_IOCTL_PAUSE


def stall(card: str) -> None:
    """Pause the running stream that somebody captures from a card's device 1. Raises OSError."""
    number = int(Path(f"/proc/asound/{card}").resolve().name.removeprefix("card"))
    node = Path(f"/dev/snd/pcmC{number}D1c")
    stream = _borrow(node)
    try:
        fcntl.ioctl(stream, _PAUSE, 1)
    finally:
        os.close(stream)  # a stream lives as long as anybody has it open


def state(card: str) -> str:
    """Give the state of that stream, as the kernel writes it; ``closed`` where nobody has it open."""
    words = Path(f"/proc/asound/{card}/pcm1c/sub0/status").read_text().split()
    return words[1] if words[:1] == ["state:"] else words[0]


def _borrow(node: Path) -> int:
    """Give a descriptor of our own of the file that another process has open at a device node."""
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            found = link.readlink() == node
        except OSError:
            continue  # ended, or closed meanwhile
        if found:
            owner = os.pidfd_open(int(link.parts[2]))
            try:
                return _take(owner, int(link.name))
            finally:
                os.close(owner)
    raise FileNotFoundError(f"nobody has {node} open")


def _take(owner: int, descriptor: int) -> int:
    taken = ctypes.CDLL(None, use_errno=True).syscall(_PIDFD_GETFD, owner, descriptor, 0)
    if taken < 0:
        raise OSError(ctypes.get_errno(), "the descriptor cannot be taken")
    return int(taken)
