"""Which workers are up: a connection to each, which its end closes at once."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from typing import Final, final

from drivers.taps.sip.front._rpc import Rpc, RpcError

logger = logging.getLogger(__name__)

_LOCAL: Final = "127.0.0.1"
_CONNECT_S: Final = 0.2


@final
class Links:
    """Looks after the workers and tells Kamailio. For the worker's main thread.

    Parameters
    ----------
    doors
        Where each worker listens for us, in their order.
    """

    def __init__(self, doors: Sequence[int], rpc: Rpc) -> None:
        self._doors = doors
        self._rpc = rpc
        self._ends: dict[int, socket.socket] = {}
        self._gone: set[int] = set()  # their calls are still to be ended

    @property
    def up(self) -> int:
        """How many workers are up."""
        return len(self._ends)

    def look(self) -> None:
        """See which workers went and which came. Raises :class:`RpcError`; the next look does what is left."""
        for worker in [worker for worker, end in self._ends.items() if _closed(end)]:
            self._ends.pop(worker).close()
            self._gone.add(worker)
            logger.warning("SIP worker %d is gone: its calls are ended", worker)
        for worker in sorted(self._gone):
            self._tell(worker, up=False)
            self._end_calls(worker)
            self._gone.discard(worker)
        for worker, door in enumerate(self._doors):
            if worker not in self._ends:
                self._connect(worker, door)

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
            self._tell(worker, up=True)
        except RpcError:
            self._ends.pop(worker).close()  # so that the next look tries again
            raise

    def _tell(self, worker: int, *, up: bool) -> None:
        self._rpc.call("htable.seti", "up", str(worker), int(up))
        self._rpc.call("htable.seti", "health", "workers", len(self._ends))

    def _end_calls(self, worker: int) -> None:
        """Say BYE to the callers of a worker that is gone; that frees its places too."""
        for call in self._rpc.call("dlg.profile_list", "worker", str(worker)) or []:
            ends = (call["call-id"], call["caller"]["tag"], call["callee"]["tag"])
            try:
                self._rpc.call("dlg.terminate_dlg", *ends)
            except RpcError as error:
                logger.warning("call %s of SIP worker %d cannot be ended: %s", ends[0], worker, error)


def _closed(end: socket.socket) -> bool:
    try:
        return end.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
