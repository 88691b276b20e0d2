"""What a port refused: counted by reason, logged with peer and reason, and never so much that the log is lost."""

from __future__ import annotations

import collections
import enum
import logging
from typing import final

from appliance.bounded_log import BoundedLog

logger = logging.getLogger(__name__)


@final
class Reason(enum.StrEnum):
    """Why a connection or a request was refused; the words of the log and of ``/metrics``."""

    ADDRESS = "address is not allowed"
    CONNECTIONS = "too many connections"
    PEER_CONNECTIONS = "too many connections of one peer"
    RATE = "too many requests"
    UNFINISHED = "message begun and not ended in time"
    SILENT = "silent for too long"
    STALLED = "takes no answers"
    NO_MESSAGE = "no message"
    TOO_LONG = "message too long"
    HANDSHAKE = "TLS handshake not ended in time"
    TLS = "TLS failed"
    PLAIN = "plain text where TLS is asked for"
    TOKEN = "no valid token"  # noqa: S105 - a reason


CONNECTION_REASONS = (Reason.ADDRESS, Reason.CONNECTIONS, Reason.PEER_CONNECTIONS)
"""Those for which a connection is closed before anything is read."""


@final
class Refusals:
    """Refusals of one port since the start of the box."""

    def __init__(self, port: str) -> None:
        self._port = port
        self._log = BoundedLog(logger)
        self.counts: collections.Counter[Reason] = collections.Counter()

    def refuse(self, peer: str, reason: Reason, detail: str = "") -> None:
        """Count it, and log it."""
        self.counts[reason] += 1
        kind = f"refused on port {self._port}: {reason}"
        self._log.tell(logging.WARNING, kind, peer, f"{kind}: {peer}{f': {detail}' if detail else ''}")

    def close(self) -> None:
        """Log what was only counted."""
        self._log.close()
