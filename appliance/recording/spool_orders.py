"""The recorder's orders, in the files of the spool. Implements ``recorder.Orders``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import final

from appliance.spool.layout import Spool
from appliance.spool.orders import OrderLog
from appliance.spool.records import BlackoutBegan, Claimed, Dropped, OrderRecord, Stopped
from appliance.units import SessionId
from drivers.contract import TapFailedError

logger = logging.getLogger(__name__)


@final
class SpoolOrders:
    """Writes orders down and makes the writer look at them.

    Parameters
    ----------
    look
        Tells the writer that a session's orders changed.
    """

    def __init__(self, spool: Spool, look: Callable[[str], None]) -> None:
        self._spool = spool
        self._look = look
        self._open: dict[SessionId, OrderLog] = {}

    def new_session(self, tap: str, line: str) -> SessionId:
        """Make a name for a session to come."""
        return self._spool.new_session_id(tap, line)

    def append(self, session: SessionId, record: OrderRecord) -> None:
        """Write an order down. Raises TapFailedError if a claim, or the begin of a blackout, cannot be written.

        Other orders for a session that is gone (its worker died, and the writer finished it) are of no use to
        anybody any more; that is logged.
        """
        try:
            self._log(session).append(record)
        except OSError as error:
            self.close(session)
            gone = isinstance(error, FileNotFoundError)
            if isinstance(record, Claimed) or (isinstance(record, BlackoutBegan) and not gone):
                raise TapFailedError(f"session {session} does not take {record.record!r}: {error}") from error
            logger.warning("session %s did not take the order %r: %s", session, record.record, error)
            return
        self._look(session)
        if isinstance(record, Stopped | Dropped):
            self.close(session)

    def close(self, session: SessionId) -> None:
        """Close the session's file, if it is open."""
        log = self._open.pop(session, None)
        if log:
            log.close()

    def _log(self, session: SessionId) -> OrderLog:
        if session not in self._open:
            self._open[session] = OrderLog(self._spool, session)
        return self._open[session]
