"""Answers to what PJSIP does not see."""

from __future__ import annotations

from drivers.taps.sip.tcp._answer import acknowledges, compose

INVITE = (
    b"INVITE sip:x@y SIP/2.0\r\nv: SIP/2.0/TCP a;branch=1\r\nVia: SIP/2.0/TCP b;branch=2\r\nf: <sip:f@y>;tag=9\r\n"
    b"t: <sip:x@y>\r\ni: c1\r\nCSeq: 4 INVITE\r\nContent-Length: 99999\r\n\r\n"
)


def test_an_answer_goes_back_the_way_that_the_request_came() -> None:
    first, *lines = compose(INVITE, 513, "too long").decode().split("\r\n")
    assert first == "SIP/2.0 513 Message Too Large"
    assert lines[:2] == ["Via: SIP/2.0/TCP a;branch=1", "Via: SIP/2.0/TCP b;branch=2"]
    assert {"From: <sip:f@y>;tag=9", "Call-ID: c1", "CSeq: 4 INVITE", 'Warning: 399 linetap "too long"'} <= set(lines)
    assert lines[-3:] == ["Content-Length: 0", "", ""]


def test_its_ack_is_known_by_the_tag() -> None:
    to = next(line for line in compose(INVITE, 513, "").split(b"\r\n") if line.startswith(b"To: "))
    assert acknowledges(b"ACK sip:x@y SIP/2.0\r\n" + to + b"\r\n\r\n")
    assert not acknowledges(b"ACK sip:x@y SIP/2.0\r\nTo: <sip:x@y>;tag=5\r\n\r\n")
    assert not acknowledges(b"BYE sip:x@y SIP/2.0\r\n" + to + b"\r\n\r\n")


def test_a_tag_that_is_there_is_kept() -> None:
    assert b"To: <sip:x@y>;tag=7\r\n" in compose(INVITE.replace(b"t: <sip:x@y>", b"t: <sip:x@y>;tag=7"), 513, "")


def test_what_gets_no_answer() -> None:
    assert compose(INVITE.replace(b"INVITE", b"ACK"), 513, "") == b""
    assert compose(b"SIP/2.0 200 OK\r\n" + INVITE, 513, "") == b""
    assert compose(INVITE.replace(b"i: c1\r\n", b""), 513, "") == b""


def test_a_busy_box_says_when_to_come_again() -> None:
    assert b"\r\nRetry-After: 5\r\n" in compose(INVITE, 503, "full")
