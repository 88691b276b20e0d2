"""SIP over TCP straight to a worker: connections wait here, and few at a time are PJSIP's.

PJSIP has 64 places for sockets, keeps that of a closed one for half a second, and aborts when it needs one more. So it
accepts nobody itself. What may live here: connections, the messages in them, and who gets a place next.
"""

from drivers.taps.sip.tcp._acceptor import Acceptor
from drivers.taps.sip.tcp._reception import Reception
from drivers.taps.sip.tcp._seats import SEATS

__all__ = ["SEATS", "Acceptor", "Reception"]
