"""Peers: the other end of a line, as programs of their own.

``sip_caller`` places calls with a real SIP stack (PJSIP); ``rtp_source`` is light, for load: a minimal SIP client of
our own whose packets carry their number. ``siprec_client`` sends calls with metadata as a session border controller
does (over ``siprec_channel``: UDP, TCP, TLS), for tests. The first two run from a shell and from Python. ``rtpengine``
is no peer of the box but another recorder, to compare with under the same load (``rtpengine_source``).
``rough_network`` simulates a network before the box: it loses, delays and reorders packets by a seeded plan.
``torture`` writes malformed SIP and RTP, the same for a seed.
"""
