"""The SIP trunk tap: answers the calls a PBX sends, and records their streams into the spool.

What may live here: everything that touches PJSIP (``pjsua2``), and what reads SIP messages for it. What may not: who a
device is, whether a call is recorded, what becomes of the audio.

One worker process holds one PJSIP. All of PJSIP belongs to one thread (:mod:`drivers.taps.sip._loop`): its objects are
made, used and dropped there, its callbacks run there, and the verbs of the tap are carried there. Audio never comes
to Python: PJSIP's own recorder writes it (:mod:`drivers.taps.sip._recorder`).

Importing this package does not load ``pjsua2``; only :meth:`Tap.plan` and :meth:`Tap.open` do.
"""

from __future__ import annotations

from drivers.taps.sip._options import Options
from drivers.taps.sip._tap import Tap

__all__ = ["Options", "Tap"]
