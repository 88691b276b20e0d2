"""The front of a SIP trunk: Kamailio as a child, so that one address serves all workers of a tap.

What may live here: the configuration of Kamailio and rtpengine, their lives, and what they have to be told. What may
not: PJSIP, audio. Each lives in a worker of its own that serves no line; the core watches that worker and starts it
again like any other.
"""

from __future__ import annotations

from drivers.taps.sip.front._engine import find_engine, last_port
from drivers.taps.sip.front._folder import make_folder
from drivers.taps.sip.front._front import Front
from drivers.taps.sip.front._program import Program
from drivers.taps.sip.front._relay import Relay

__all__ = ["Front", "Program", "Relay", "find_engine", "last_port", "make_folder"]
