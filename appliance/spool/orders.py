"""The core's side of a session: its orders."""

from __future__ import annotations

import contextlib
from typing import final

from appliance.spool.journal import Journal
from appliance.spool.layout import ORDERS_FILE, Spool
from appliance.spool.records import Claimed, Dropped, OrderRecord, Stopped

_RESERVE_BYTES = 8192


@final
class OrderLog:
    """Appends the core's orders to one session. Orders that were written survive the core. Not thread-safe.

    A claim may come before the worker has begun the session: it makes the session's folder. Any other order to a
    session that is not there (not any more: it was finished or deleted) raises FileNotFoundError.
    """

    def __init__(self, spool: Spool, session: str) -> None:
        self.session = session
        self._spool = spool
        self._journal: Journal | None = None

    def append(self, record: OrderRecord) -> None:
        """Append one order. It counts from the moment this returns, also if every process died right after.

        Raises FileNotFoundError, and OSError when the memory is full beyond what is kept for orders.
        """
        if self._journal is None:
            self._journal = self._open(make=isinstance(record, Claimed))
        self._journal.append(record, last=isinstance(record, Stopped | Dropped))

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _open(self, *, make: bool) -> Journal:
        folder = self._spool.folder(self.session)
        if make:
            self._spool.create()
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=0o700)
        return Journal(folder / ORDERS_FILE, reserve_bytes=_RESERVE_BYTES)
