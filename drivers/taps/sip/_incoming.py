"""What PJSIP keeps of the packets that come on one stream, where its own functions say too little or do too much.

It takes a source for valid only when two packets in a row came (RFC 3550, A.1, its probation), and throws away what
comes until then: on a rough line all of the first words. Whoever signalled the call is no stranger, so the probation
is ended as soon as the first packet is there. And it takes a packet out of order for lost until its next report.

Of G.722 it learns from the first packets whether their time stamps count 8,000 or 16,000 a second, and throws away what
came until then: 20 to 40 ms, which no counter tells, and the decoder has lost its thread. 8,000 is right (RFC 3551,
4.5.2) and set from the begin.

All are fields of ``pjmedia_rtp_session``, ``pjmedia_rtcp_session`` and ``pjmedia_stream``, at offsets that are checked
for each stream; where they are not as known, nothing is written and nothing is read.
"""

from __future__ import annotations

import ctypes
import logging
import struct
from typing import Final, final

from drivers.taps.sip._native import Native

logger = logging.getLogger(__name__)

_EAGER_S: Final = 3.0
_SEQUENCE: Final = struct.Struct("=HxxIIII")  # max_seq, cycles, base_seq, bad_seq, probation
_SEQUENCE_AT: Final = 12  # behind the header of what is sent
_PROBATION_AT: Final = 16  # within it
_RECEIVED_AT: Final = 48
_SESSION_BYTES: Final = 52
_RTCP_BYTES: Final = 1024
_NO_BAD_SEQUENCE: Final = (1 << 16) + 1
_COUNTED: Final = struct.Struct("=HxxIIII4xI8xI")  # the same, then rtp_last_ts, clock_rate, two sizes, received
_CLOCK_HZ: Final = 8000  # of G.711 and G.722
_STREAM_BYTES: Final = 2048  # of the stream behind its RTCP session
_WORD_BYTES: Final = 4
_UNLEARNT: Final = struct.pack("=III", 160, 0, 50)  # ticks of an entry, entries of the last packet, packets to learn by
_LEARNT: Final = struct.pack("=III", 80, 0, 0)


@final
class Incoming:
    """Packets of one stream. Not for use once PJSIP has destroyed the stream.

    Parameters
    ----------
    stream
        Address of the ``pjmedia_stream``.
    """

    def __init__(self, native: Native, stream: int, now_s: float) -> None:
        self._rtp, self._rtcp = native.rtp_sessions(stream)
        self.clock_known = _set_clock(self._rtcp)
        self._eager_until_s = now_s + _EAGER_S
        self._began = False
        self._counters = 0  # address; 0 while it is not known
        self._first = -1  # number of the packet that PJSIP does not count, since the probation began with it

    def look(self, now_s: float) -> bool:
        """See whether the first packet came; gives whether it may come from one moment to the next."""
        if self._began:
            return False
        session = ctypes.string_at(self._rtp, _SESSION_BYTES)
        if not int.from_bytes(session[_RECEIVED_AT:], "little"):
            return now_s < self._eager_until_s
        self._began = True
        self._end_probation(session[_SEQUENCE_AT : _SEQUENCE_AT + _SEQUENCE.size])
        return False

    @property
    def missing(self) -> int | None:
        """Packets that did not come between the first and the highest so far; None where that is not known."""
        if not self._counters:
            return None
        counters = ctypes.string_at(self._counters, _COUNTED.size)
        highest, cycles, first, _, _, clock_hz, received = _COUNTED.unpack(counters)
        if clock_hz != _CLOCK_HZ:
            return None
        received += first == self._first
        return max(0, int(cycles + highest - first + 1 - received))

    def _end_probation(self, sequence: bytes) -> None:
        _, cycles, first, bad, probation = _SEQUENCE.unpack(sequence)
        if (cycles, bad) != (0, _NO_BAD_SEQUENCE) or probation > 1:
            logger.warning("a stream's state is not as this driver knows it: %s", sequence.hex())
            return
        at = ctypes.string_at(self._rtcp, _RTCP_BYTES).find(sequence)  # the counters have a sequence of their own
        if at >= 0:
            self._counters = self._rtcp + at
            self._first = first
        for address in (self._rtp + _SEQUENCE_AT, self._counters):
            if address and probation:
                ctypes.c_uint32.from_address(address + _PROBATION_AT).value = 0


def set_clock(native: Native, stream: int) -> None:
    """Let a new stream of G.722 take its time stamps for what they are from its first packet on."""
    _set_clock(native.rtp_sessions(stream)[1])


def _set_clock(rtcp: int) -> bool:
    """Say that time stamps of G.722 count 8,000 a second; False where the stream is none, or not as known."""
    at = ctypes.string_at(rtcp, _STREAM_BYTES).find(_UNLEARNT)
    if at < 0 or at % _WORD_BYTES:
        return False
    ctypes.memmove(rtcp + at, _LEARNT, len(_LEARNT))
    return True
