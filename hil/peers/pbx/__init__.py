"""A PBX for tests: Debian's Kamailio as registrar and proxy. What a PBX says of its phones' calls is told beside it."""

from __future__ import annotations

from hil.peers.pbx.kamailio import Pbx
from hil.peers.pbx.notifier import Notifier

__all__ = ["Notifier", "Pbx"]
