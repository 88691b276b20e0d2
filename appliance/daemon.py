"""What systemd wants to know of the service, told over its notification socket (sd_notify(3)). Without it: nothing.

A datagram of ``NAME=value`` lines goes to the socket that ``NOTIFY_SOCKET`` names; no library is needed for that.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket

logger = logging.getLogger(__name__)


def ready(status: str) -> None:
    """Every listener accepts; ``status`` is the line that ``systemctl status`` shows."""
    _notify(f"READY=1\nSTATUS={status}")


def status(text: str) -> None:
    """Change the line that ``systemctl status`` shows."""
    _notify(f"STATUS={text}")


def stopping() -> None:
    """Say that the end has begun and may take a while."""
    _notify("STOPPING=1\nSTATUS=Finishing recordings")


def watchdog_period_s() -> float | None:
    """Seconds between two signs of life: half of what systemd waits. None when it does not watch this process."""
    usec = os.environ.get("WATCHDOG_USEC", "")
    watched = os.environ.get("WATCHDOG_PID") or str(os.getpid())
    if not usec.isdigit() or int(usec) == 0 or watched != str(os.getpid()):
        return None
    return int(usec) / 2_000_000


async def feed_watchdog() -> None:
    """Give signs of life for as long as the event loop turns; ends at once when systemd does not watch."""
    period_s = watchdog_period_s()
    while period_s is not None:
        _notify("WATCHDOG=1")
        await asyncio.sleep(period_s)


def _notify(message: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    place = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.connect(place)
            sender.send(message.encode())
        except OSError as error:  # a service without its supervisor still records
            logger.warning("systemd took no notification: %s", error)
