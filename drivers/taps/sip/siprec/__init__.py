"""SIPREC metadata (RFC 7865): who takes part in a recorded call, and who speaks on which of its streams.

What may live here: reading documents, as far as they go, and what follows from them for a call. What may not: PJSIP,
sockets, audio. Nothing here raises for what a document holds.
"""

from __future__ import annotations

from drivers.taps.sip.siprec._call import SiprecCall
from drivers.taps.sip.siprec._document import Document, child_texts, identifier, local_name
from drivers.taps.sip.siprec._metadata import Metadata, Participant

__all__ = ["Document", "Metadata", "Participant", "SiprecCall", "child_texts", "identifier", "local_name"]
