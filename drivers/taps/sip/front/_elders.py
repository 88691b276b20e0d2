"""Calls that were up before this Kamailio was started: it does not know them, and is told how many each worker has."""

from __future__ import annotations

import time
from typing import Final, final

from drivers.taps.sip._orphans import Orphans
from drivers.taps.sip.front._rpc import Rpc

_EVERY_S: Final = 1.0
_AT_ONCE_S: Final = 1.0  # until then no call can have begun and ended since Kamailio was started
_NEW_S: Final = 10.0  # so long a call may still be answered whose INVITE went through an earlier Kamailio


@final
class Elders:
    """For the worker's main thread."""

    def __init__(self, orphans: Orphans, rpc: Rpc) -> None:
        self._orphans = orphans
        self._rpc = rpc
        self._found: dict[int, frozenset[str]] = {}  # by worker
        self._strange: dict[int, frozenset[str]] = {}  # calls that Kamailio did not know at the last look
        self._begun_s = self._looked_s = time.monotonic()

    def look(self) -> None:
        """See which have ended. Raises :class:`RpcError`."""
        now_s = time.monotonic()
        if now_s - self._looked_s < _EVERY_S:
            return
        self._looked_s = now_s
        for worker, found in list(self._found.items()):
            if found or now_s - self._begun_s < _NEW_S:
                self.count(worker)

    def count(self, worker: int) -> None:
        """Count those of a worker that is up. Raises :class:`RpcError`."""
        noted = self._orphans.alive(worker)
        known = self._found.get(worker, frozenset())
        age_s = time.monotonic() - self._begun_s
        found = noted & known
        if noted and age_s < _NEW_S:
            # One that ended just now is still noted while its audio leaves the jitter buffer: it is no elder.
            strange = noted - self._known(worker)
            found |= strange if age_s < _AT_ONCE_S else strange & self._strange.get(worker, frozenset())
            self._strange[worker] = strange
        if worker not in self._found or found != known:
            self._rpc.call("htable.seti", "elders", str(worker), len(found))
        self._found[worker] = found

    def forget(self, worker: int) -> None:
        """Count none of a worker that is gone. Raises :class:`RpcError`."""
        self._rpc.call("htable.seti", "elders", str(worker), 0)
        self._found.pop(worker, None)
        self._strange.pop(worker, None)

    def _known(self, worker: int) -> frozenset[str]:
        calls = self._rpc.call("dlg.profile_list", "worker", str(worker)) or []
        return frozenset(call["call-id"] for call in calls)
