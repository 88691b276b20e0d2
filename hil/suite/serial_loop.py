"""A serial port that is sent to and read back."""

from __future__ import annotations

import os
import select
import termios
import time
import tty
from typing import Final

from hil.suite.errors import BenchError

_IDLE_S: Final = 0.5


def octets_back(device: str, baud: int, sent: bytes) -> bytes:
    """Send octets, and give what comes back until nothing does. Raises BenchError where the port cannot be used."""
    try:
        port = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        raise BenchError(f"{device}: {error.strerror}") from error
    try:
        _prepare(port, baud)
        return _exchange(port, sent, ends_s=time.monotonic() + 2 + 20 * len(sent) / baud)
    except (OSError, termios.error) as error:
        raise BenchError(f"{device}: {error}") from error
    finally:
        os.close(port)


def _prepare(port: int, baud: int) -> None:
    tty.setraw(port)
    modes = termios.tcgetattr(port)
    modes[2] |= termios.CLOCAL | termios.CREAD
    modes[4] = modes[5] = getattr(termios, f"B{baud}")
    termios.tcsetattr(port, termios.TCSANOW, modes)
    termios.tcflush(port, termios.TCIOFLUSH)


def _exchange(port: int, sent: bytes, ends_s: float) -> bytes:
    poll = select.poll()
    back, left = b"", sent
    while time.monotonic() < ends_s:
        poll.register(port, select.POLLIN | (select.POLLOUT if left else 0))
        happened = poll.poll(_IDLE_S * 1000)
        if not happened and not left:
            break
        events = happened[0][1] if happened else 0
        if events & select.POLLOUT:
            left = left[os.write(port, left[:64]) :]
        if events & select.POLLIN:
            back += os.read(port, 4096)
        elif events & (select.POLLHUP | select.POLLERR):
            break
    return back
