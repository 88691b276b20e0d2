"""The front of a SIP trunk: Kamailio as a child, so that one address serves all workers of a tap.

What may live here: Kamailio's configuration, its life, and what it has to be told. What may not: PJSIP, audio.
It lives in a worker of its own that serves no line; the core watches that worker and starts it again like any other.
"""

from __future__ import annotations

from drivers.taps.sip.front._folder import make_folder
from drivers.taps.sip.front._front import Front
from drivers.taps.sip.front._program import Program

__all__ = ["Front", "Program", "make_folder"]
