from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.xmlapi.framing import GARBAGE_BYTES, Fault, Framer, Item

MAX = 256 * 1024
ONE = b"<REQUEST><TYPE>TEST</TYPE></REQUEST>"
TWO = b'<request a=">">\r\n <TYPE>TEST</TYPE>\n<USER1><![CDATA[</REQUEST>]]></USER1><!-- </REQUEST> --></ReQuest \t>'
EMPTY = b"<REQUEST TYPE=\"TEST\" REQUESTID='/>'/>"
PRETTY = b"<CALLSTART>\r\n  <DEVICEID>1</DEVICEID>\r\n</CALLSTART>"
DOCTYPE = b'<!doctype x [<!ENTITY a "b>">]>\r\n<!-- c --><REQUEST/>'
MESSAGES = (ONE, TWO, EMPTY, PRETTY, DOCTYPE)
BETWEEN = (
    b"",
    b"\r\n",
    b"\r",
    b"\n",
    b"\x00",
    b"\xef\xbb\xbf",
    b'<?xml version="1.0"?>\r\n',
    b"<!-- > -->",
    b" \t\r\n",
)


def cut(*pieces: bytes, limit: int = MAX) -> list[Item]:
    framer = Framer(limit)
    return [item for piece in pieces for item in framer.feed(piece)]


def whole(items: list[Item]) -> list[bytes]:
    return [item for item in items if isinstance(item, bytes)]


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("end", BETWEEN)
def test_a_message_is_complete_at_its_closing_tag(message: bytes, end: bytes) -> None:
    assert cut(message) == [message]
    assert cut(message + end + ONE) == [message, ONE]


@pytest.mark.parametrize("message", MESSAGES)
def test_split_at_any_byte(message: bytes) -> None:
    stream = b"\xef\xbb\xbf<?xml version='1.0'?>" + message + b"\r\n" + ONE
    for at in range(len(stream)):
        assert cut(stream[:at], stream[at:]) == [message, ONE]
    assert cut(*(stream[n : n + 1] for n in range(len(stream)))) == [message, ONE]


@given(st.lists(st.sampled_from([*MESSAGES, *BETWEEN]), max_size=12), st.lists(st.integers(1, 40), min_size=1))
def test_pipelined_messages_come_out_in_order_however_they_are_cut(parts: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(parts)
    pieces, at, turn = [], 0, 0
    while at < len(stream):
        pieces.append(stream[at : at + sizes[turn % len(sizes)]])
        at, turn = at + len(pieces[-1]), turn + 1
    assert cut(*pieces) == [part for part in parts if part in MESSAGES]


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([b"<", b"<!", b"<!--", b"</A>", b'<A b="', b"&"]))))
def test_arbitrary_bytes_never_raise_and_a_message_comes_through_afterwards(pieces: list[bytes]) -> None:
    framer = Framer(MAX)
    for piece in pieces:
        framer.feed(piece)
    framer.give_up("idle")
    assert not framer.pending
    assert framer.feed(ONE) == [ONE]


@given(st.binary(max_size=400), st.integers(0, 400))
def test_where_the_stream_is_cut_changes_nothing(stream: bytes, at: int) -> None:
    assert cut(stream) == cut(stream[:at], stream[at:])


@given(st.binary(max_size=200).filter(lambda line: not line.strip(b"\x00\xef\xbb\xbf \t\f\v\r\n").startswith(b"<")))
def test_a_line_of_garbage_is_one_fault_and_the_next_message_is_read(line: bytes) -> None:
    line = line.replace(b"\r", b"").replace(b"\n", b"")
    assert whole(cut(line + b"\r\n" + ONE)) == [ONE]


@pytest.mark.parametrize("garbage", [b"hello", b"</REQUEST>", b"< REQUEST>", b"<1>", b"<<", b"<" + b"A" * 200 + b">"])
def test_garbage_then_a_message(garbage: bytes) -> None:
    items = cut(garbage + b"\r\n" + ONE)
    assert isinstance(items[0], Fault)
    assert not items[0].fatal
    assert items[-1] == ONE


def test_a_tag_that_does_not_end_is_given_up_at_the_next_one() -> None:
    items = cut(b"<REQUEST TYPE \r\n" + ONE)
    assert [type(item) for item in items] == [Fault, bytes]


def test_garbage_without_a_line_end_is_refused_by_64_kb() -> None:
    items = cut(b"x" * (2 * GARBAGE_BYTES + 5))
    assert len(items) == 2
    assert all(isinstance(item, Fault) and not item.fatal for item in items)


def test_ten_megabytes_without_an_end_are_refused_for_good_and_not_kept() -> None:
    framer = Framer(MAX)
    items = framer.feed(b"<REQUEST><USER1>")
    for _ in range(160):
        items += framer.feed(b"x" * 65536)
    assert [isinstance(item, Fault) and item.fatal for item in items] == [True]
    assert not framer.pending
    assert framer.feed(b"</USER1></REQUEST>" + ONE) == []


def test_a_complete_message_that_is_too_long_is_refused() -> None:
    long = b"<REQUEST>" + b" " * 2000 + b"</REQUEST>"
    items = cut(long, limit=1024)
    assert isinstance(items[0], Fault)
    assert items[0].fatal


def test_giving_up_tells_of_what_had_begun_only() -> None:
    framer = Framer(MAX)
    assert framer.give_up("idle") == []
    framer.feed(ONE + b"\r\n")
    assert framer.give_up("idle") == []
    framer.feed(b"<REQUEST><TYPE>")
    assert framer.give_up("idle") == [Fault("idle")]
    assert framer.feed(ONE) == [ONE]
