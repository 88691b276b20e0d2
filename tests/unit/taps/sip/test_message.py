from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.contract import Party
from drivers.taps.sip._message import MAX_NAME, Message, tag_of, user_of
from drivers.taps.sip._parties import parties

INVITE = (
    b"INVITE sip:7000@box SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 10.0.0.1\r\n"
    b'f: "Bob <sip:x@y>" <sip:4711@pbx>;tag=abc;x=1\r\n'
    b"To: <sip:5003%20a@box:5060;user=phone>\r\n"
    b"i: one@two\r\n"
    b"X-device:\r\n  5 \r\n"
    b"\r\n"
    b"v=0\r\nm=audio 4000 RTP/AVP 0\r\na=label:7\r\nm=audio 0 RTP/AVP 0\r\nm=video 5 RTP/AVP 9\r\n"
    b"m=audio 4002 RTP/AVP 0\r\n"
)


def test_an_invite_is_read() -> None:
    message = Message.read(INVITE)
    assert (message.method, message.request_uri, message.call_id) == ("INVITE", "sip:7000@box", "one@two")
    assert (message.ani, message.dnis, message.from_tag, message.to_tag) == ("4711", "5003 a", "abc", "")
    assert message.labels() == ["7", ""]


def test_what_the_sender_requires() -> None:
    required = b"INVITE sip:a SIP/2.0\r\nRequire: Timer , siprec\r\nrequire: 100rel\r\nSupported: gruu\r\n\r\n"
    message = Message.read(required)
    assert [tag for tag in ("timer", "siprec", "100rel", "gruu", "") if message.asks(tag)] == [
        "timer",
        "siprec",
        "100rel",
    ]
    assert not Message.read(INVITE).asks("siprec")


@pytest.mark.parametrize(
    ("rules", "device"),
    [
        (("header:X-Device", "to-user"), "5"),
        (("header:X-Other", "to-user"), "5003 a"),
        (("from-user",), "4711"),
        (("request-user",), "7000"),
        (("header:X-Other",), ""),
    ],
)
def test_the_device_stands_where_the_rules_say(rules: tuple[str, ...], device: str) -> None:
    assert Message.read(INVITE).device(rules) == device


@pytest.mark.parametrize(
    ("value", "user"),
    [
        ("<tel:+49123;phone-context=x>", "+49123"),
        ("sip:box.example", ""),
        ("sips:a:secret@b", "a"),
        ("nonsense", ""),
        ("<sip:%00%0d%0aX@b>", "X"),
        (f"<sip:{'9' * 200}@b>", "9" * MAX_NAME),
    ],
)
def test_user_of_a_uri(value: str, user: str) -> None:
    assert user_of(value) == user


def test_a_tag_in_the_uri_is_not_the_headers() -> None:
    assert tag_of("<sip:a@b;tag=no>;tag=yes") == "yes"
    assert tag_of("<sip:a@b;tag=no>") == ""


@given(st.binary(max_size=300))
def test_anything_can_be_read(octets: bytes) -> None:
    message = Message.read(octets)
    device = message.device(("header:X-Device", "to-user", "from-user", "request-user"))
    device.encode("utf-8")
    assert len(device) <= MAX_NAME
    message.labels()


def test_who_speaks_where() -> None:
    assert parties([""], ()) == (Party.MIXED, Party.AGENT)
    assert parties(["1", "2"], ()) == (Party.CALLER, Party.AGENT)
    assert parties(["1", "2"], ("2",)) == (Party.AGENT, Party.CALLER)
    assert parties(["2", "2"], ("2",)) == (Party.CALLER, Party.AGENT)
