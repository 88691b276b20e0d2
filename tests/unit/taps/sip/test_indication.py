from __future__ import annotations

import pytest

from drivers.taps.sip._indication import indicate, wants_indication

SDP = "v=0\r\ns=-\r\nm=audio 4000 RTP/AVP 0\r\na=recvonly\r\n"


@pytest.mark.parametrize("line", ["a=recordpref:on", "a=recordpref:off", "A=RecordPref:nopreference"])
def test_whoever_says_what_it_would_like_is_told(line: str) -> None:
    assert wants_indication(f"{SDP}{line}\r\n")
    assert not wants_indication(f"{SDP}a=x-{line}\r\n")


def test_every_stream_that_is_recorded_is_told_of() -> None:
    more = "m=audio 0 RTP/AVP 0\r\nm=video 4002 RTP/AVP 96\r\na=x\r\nm=audio 4004 RTP/AVP 8\r\n"
    told = indicate(SDP + more)
    assert told == (
        f"{SDP}a=record:on\r\nm=audio 0 RTP/AVP 0\r\nm=video 4002 RTP/AVP 96\r\na=x\r\n"
        "m=audio 4004 RTP/AVP 8\r\na=record:on\r\n"
    )
    assert indicate("") == ""
