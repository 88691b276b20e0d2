"""Trouble with the disk, told once when it begins and once when it is over, however many recordings it hits."""

from __future__ import annotations

import errno
import logging
from typing import final

from appliance.capture.protocol import Trouble

logger = logging.getLogger(__name__)

DISK_FULL = "disk full"
DISK_ERROR = "disk error"
SPOOL_FULL = "spool full"


def kind_of(fault: OSError) -> str:
    """Name the kind of trouble that a fault is."""
    return DISK_FULL if fault.errno in (errno.ENOSPC, errno.EDQUOT) else DISK_ERROR


@final
class Troubles:
    """Which sessions are in which kind of trouble; ``news`` is what the core was not told yet."""

    def __init__(self) -> None:
        self.news: list[Trouble] = []
        self._hit: dict[str, set[str]] = {}
        self._failed_now: set[str] = set()

    def begin_turn(self) -> None:
        """Begin a turn: what failed in it has not worked in it, even if some of it did."""
        self._failed_now.clear()

    def failed(self, session: str, kind: str, text: str) -> None:
        """Note that a session is in trouble."""
        if not self._hit.get(kind):
            logger.error("%s: %s (%s)", kind, text, session)
            self.news.append(Trouble(session=session, kind=kind, text=text))
        self._hit.setdefault(kind, set()).add(session)
        self._failed_now.add(session)

    def worked(self, session: str, kind: str | None = None) -> None:
        """Note that something went well for a session: it is in no trouble any more, of one kind or of any."""
        if session in self._failed_now:
            return
        for some, sessions in self._hit.items():
            if session in sessions and kind in (None, some):
                sessions.remove(session)
                if not sessions:
                    logger.warning("%s is over", some)
                    self.news.append(Trouble(session=session, kind=some, text="it goes on", over=True))

    def forget(self, session: str) -> None:
        """Note that a session is gone, and its trouble with it."""
        self._failed_now.discard(session)
        self.worked(session)

    def is_hit(self, session: str) -> bool:
        """Tell whether a session is in trouble."""
        return any(session in sessions for sessions in self._hit.values())

    def take_news(self) -> list[Trouble]:
        """Give what the core was not told yet, once."""
        news, self.news = self.news, []
        return news
