"""What passes for an answer, and what is sent."""

from __future__ import annotations

import pytest

from hil.fuzzing.visit import NotAnsweredError, check, pieces
from hil.fuzzing.words import CUT, EVENTS, FORM, GONE, HTTP, PIECES, QUERY, WHOLE

ANSWER = b"<RESULT>\r\n<REQUESTID>1</REQUESTID>\r\n</RESULT>\r\n"
EVENT = b"<CALLCOPYEVENT>\r\n<EVENTDATA></EVENTDATA>\r\n</CALLCOPYEVENT>\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n"


@pytest.mark.parametrize(
    ("way", "answer"),
    [
        (WHOLE, ANSWER),
        (EVENTS, EVENT + ANSWER + EVENT),
        (CUT, b""),
        (QUERY, HEAD + ANSWER),
        (FORM, b"HTTP/1.1 206 Partial Content\r\nContent-Type: audio/wav\r\n\r\nRIFF"),
        (HTTP, b"HTTP/1.1 400 Bad Request\r\n\r\nInvalid HTTP request received."),
        (HTTP, b""),
    ],
)
def test_whole_answers_pass(way: int, answer: bytes) -> None:
    check(way, answer)


@pytest.mark.parametrize(
    ("way", "answer"),
    [
        (WHOLE, b""),
        (PIECES, EVENT),
        (WHOLE, ANSWER[:-12]),
        (WHOLE, ANSWER.replace(b"1", b"\x01")),
        (CUT, b"<RESULT>"),
        (EVENTS, EVENT[:-6] + ANSWER),
        (QUERY, b""),
        (QUERY, HEAD + ANSWER[:-12]),
        (FORM, b"HTTP/1.1 500 Internal Server Error\r\n\r\n"),
        (HTTP, b"HTTP/1.1 500 Internal Server Error\r\n\r\n"),
    ],
)
def test_broken_answers_do_not(way: int, answer: bytes) -> None:
    with pytest.raises(NotAnsweredError):
        check(way, answer)


def test_what_is_sent_asks_for_an_answer_unless_it_is_cut() -> None:
    assert b"".join(pieces(WHOLE, b"<A")).endswith(b"</REQUEST>\r\n")
    assert len(pieces(PIECES, b"\x03abcdefgh")) == 4
    assert pieces(CUT, b"<A") == [b"<A"]
    assert pieces(QUERY, b"type=test&x= \r\n") == [
        b"GET /webAPI.aspx?type=test&x=%20%0D%0A HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    ]
    assert pieces(GONE, b"x")[0].startswith(b"x")
