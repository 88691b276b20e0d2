"""Messages in a stream of octets, however it is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.taps.sip.tcp._frames import Frames

HEAD = b"OPTIONS sip:x@y SIP/2.0\r\nCall-ID: a@b\r\nCSeq: 1 OPTIONS\r\nContent-Length: %d\r\n\r\n"


def message(body: bytes = b"") -> bytes:
    return HEAD % len(body) + body


@given(bodies=st.lists(st.binary(max_size=300), min_size=1, max_size=5), data=st.data())
def test_every_cut_gives_the_same_messages(bodies: list[bytes], data: st.DataObject) -> None:
    messages = [message(body) for body in bodies]
    stream, frames, found = b"\r\n\r\n".join(messages), Frames(4000), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += frames.push(stream[:size])
        stream = stream[size:]
    assert [frame.octets for frame in found] == messages
    assert (frames.begun, frames.fault) == (False, "")


@given(size=st.integers(1, 200), longest=st.integers(60, 200))
def test_what_is_too_long_is_told_once_and_left_out(size: int, longest: int) -> None:
    long, short = message(b"a" * 300), message()
    frames = Frames(longest + len(short))
    stream = long + short
    found = [frame for at in range(0, len(stream), size) for frame in frames.push(stream[at : at + size])]
    assert [(frame.octets, frame.size) for frame in found] == [(b"", len(long)), (short, len(short))]
    assert found[0].head == HEAD % 300


@pytest.mark.parametrize(
    "line", [b"Content-Length: 2", b"content-length :2", b"l: 2", b"L:2", b"Content-Length: 2\r\nContent-Length: 9"]
)
def test_how_the_length_may_be_written(line: bytes) -> None:
    octets = b"OPTIONS sip:x SIP/2.0\r\n" + line + b"\r\n\r\nab"
    assert [frame.octets for frame in Frames(4000).push(octets)] == [octets]


@pytest.mark.parametrize("line", [b"Content-Length: x", b"Content-Length: -1", b"X: 1", b"Content-Length: 9999999999"])
def test_without_a_length_nothing_more_is_read(line: bytes) -> None:
    frames = Frames(4000)
    good = message()
    assert len(frames.push(good + b"OPTIONS sip:x SIP/2.0\r\n" + line + b"\r\n\r\n" + good)) == 1
    assert frames.fault == "no Content-Length"
    assert frames.push(good) == []


def test_endless_headers_are_given_up() -> None:
    frames = Frames(4000)
    for _ in range(66):
        assert frames.push(b"x" * 1000) == []
    assert frames.fault == "headers of more than 65536 octets"


def test_what_is_read_of_a_message() -> None:
    head = b"SIP/2.0 200 OK\r\ni: c1\r\ncseq: 7 INVITE\r\nl: 0\r\n\r\n"
    (answer,) = Frames(4000).push(head)
    assert (answer.is_answer, answer.code, answer.method, answer.call_id) == (True, 200, b"INVITE", "c1")
    (bare,) = Frames(4000).push(b"SIP/2.0 \r\nl: 0\r\n\r\n")
    assert (bare.is_answer, bare.code, bare.method, bare.call_id) == (True, 0, b"", "")
