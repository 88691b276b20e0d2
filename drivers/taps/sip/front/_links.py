"""Which workers are up: a connection to each, by which it asks for relief, and which its end closes at once."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from typing import Final, final

from drivers.taps.sip._door import RELIEF
from drivers.taps.sip._orphans import Orphans
from drivers.taps.sip.front._elders import Elders
from drivers.taps.sip.front._rpc import Rpc, RpcError

logger = logging.getLogger(__name__)

_LOCAL: Final = "127.0.0.1"
_CONNECT_S: Final = 0.2
_DOWN, _UP, _TIRED = 0, 1, 2  # what the front's configuration calls up
GONE: Final = b""


@final
class Links:
    """Looks after the workers and tells Kamailio. For the worker's main thread.

    Parameters
    ----------
    doors
        Where each worker listens for us, in their order.
    """

    def __init__(self, doors: Sequence[int], rpc: Rpc, orphans: Orphans) -> None:
        self._doors = doors
        self._rpc = rpc
        self._orphans = orphans
        self._elders = Elders(orphans, rpc)
        self._ends: dict[int, socket.socket] = {}
        self._gone: set[int] = set()  # their calls are still to be ended
        self._relieved: set[int] = set()  # their time is served: they end when they have no call

    @property
    def up(self) -> int:
        """How many workers are up."""
        return len(self._ends)

    def look(self) -> None:
        """See which workers went and which came. Raises :class:`RpcError`; the next look does what is left."""
        heard = {worker: _hear(end) for worker, end in self._ends.items()}
        for worker, said in heard.items():
            if said == GONE:
                self._ends.pop(worker).close()
                self._gone.add(worker)
                logger.log(self._level(worker), "SIP worker %d is gone: its calls are ended", worker)
            elif said == RELIEF:
                self._relieved.add(worker)
                self._tell(worker, _TIRED)
        for worker in sorted(self._gone):
            self._tell(worker, _DOWN)
            self._end_calls(worker)
            self._elders.forget(worker)
            self._gone.discard(worker)
        self._orphans.look()
        for worker, door in enumerate(self._doors):
            if worker not in self._ends:
                self._connect(worker, door)
        self._elders.look()

    def close(self) -> None:
        """Close the connections."""
        for end in self._ends.values():
            end.close()
        self._ends.clear()

    def _connect(self, worker: int, door: int) -> None:
        try:
            end = socket.create_connection((_LOCAL, door), _CONNECT_S)
        except OSError:
            return  # it is not up yet
        end.setblocking(False)
        self._ends[worker] = end
        try:
            self._relieved.discard(worker)
            self._elders.count(worker)
            self._tell(worker, _UP)
        except RpcError:
            self._ends.pop(worker).close()  # so that the next look tries again
            raise

    def _level(self, worker: int) -> int:
        return logging.INFO if worker in self._relieved else logging.WARNING

    def _tell(self, worker: int, state: int) -> None:
        self._rpc.call("htable.seti", "up", str(worker), state)
        self._rpc.call("htable.seti", "health", "workers", len(self._ends))

    def _end_calls(self, worker: int) -> None:
        """Say BYE to the callers of a worker that is gone; that frees its places too.

        The worker has left word of most; of the others, which it was just answering, Kamailio may know.
        """
        left = self._orphans.of(worker)
        for call in self._rpc.call("dlg.profile_list", "worker", str(worker)) or []:
            ends = (call["call-id"], call["caller"]["tag"], call["callee"]["tag"])
            if ends[0] in left:
                continue
            try:
                self._rpc.call("dlg.terminate_dlg", *ends)
            except RpcError as error:
                logger.warning("call %s of SIP worker %d cannot be ended: %s", ends[0], worker, error)


def _hear(end: socket.socket) -> bytes | None:
    """Octet that the worker said; GONE at its end, None where it said nothing."""
    try:
        return end.recv(1)
    except BlockingIOError:
        return None
    except OSError:
        return GONE
