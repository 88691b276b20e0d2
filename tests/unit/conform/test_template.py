"""Placeholders, and what differs from them."""

from __future__ import annotations

import pytest

from appliance.conform.difference import tell_difference
from appliance.conform.template import Template, UnboundError, fill, names_used

LIST = "<L>\n<COUNT>{number}</COUNT>\n{rest}\n<A>{number:agent}</A>\n<B>{name}</B>\n{rest}\n</L>\n"


def wire(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def test_a_value_is_kept_and_then_compared() -> None:
    kept = Template.of("<ID>{number:agent}</ID>\n", {}).match(wire("<ID>17</ID>\n"))
    assert kept == {"agent": "17"}
    again = Template.of("<ID>{agent}</ID>\n", kept)
    assert again.match(wire("<ID>17</ID>\n")) == {}
    assert again.match(wire("<ID>18</ID>\n")) is None


def test_a_row_is_found_among_others() -> None:
    octets = wire("<L>\n<COUNT>3</COUNT>\n<A>1</A>\n<B>x</B>\n<A>2</A>\n<B>mine</B>\n<A>3</A>\n<B>y</B>\n</L>\n")
    assert Template.of(LIST, {"name": "mine"}).match(octets) == {"agent": "2"}
    assert Template.of(LIST, {"name": "other"}).match(octets) is None


@pytest.mark.parametrize(
    ("hole", "good", "bad"),
    [
        ("{number}", "-1", "1.5"),
        ("{decimal}", "75.22", "75"),
        ("{cores}", "1,2", "1, 2"),
        ("{flag}", "Y", "y"),
        ("{time}", "3/9/2026 1:04:05 PM", "2026-03-09 13:04:05"),
        ("{text}", "", "<"),
        ("{some}", "x", ""),
    ],
)
def test_kinds(hole: str, good: str, bad: str) -> None:
    template = Template.of(f"<X>{hole}</X>\n", {})
    assert template.match(wire(f"<X>{good}</X>\n")) == {}
    assert template.match(wire(f"<X>{bad}</X>\n")) is None


@pytest.mark.parametrize("octets", [b"<X></X>\n", b"<X></X>", b"<X></X>\r\n\r\n", b" <X></X>\r\n", b"<x></X>\r\n"])
def test_each_octet_counts(octets: bytes) -> None:
    assert Template.of("<X></X>\n", {}).match(octets) is None
    assert Template.of("<X></X>\n", {}).match(b"<X></X>\r\n") == {}


def test_values_are_no_patterns() -> None:
    assert Template.of("<X>{v}</X>\n", {"v": "a.c"}).match(wire("<X>abc</X>\n")) is None


def test_a_request_without_its_value_cannot_be_sent() -> None:
    assert fill("<A>{agent}</A>", {"agent": "7"}) == "<A>7</A>"
    with pytest.raises(UnboundError, match="agent"):
        fill("<A>{agent}</A>", {})
    assert names_used("{agent} {number} {number:kept} {kept} {rest} {run}") == {"agent", "run"}


def test_the_difference_shows_what_cannot_be_seen() -> None:
    told = tell_difference(
        Template.of("<R>\n<A>{number}</A>\n<B></B>\n</R>\n", {}), b"<R>\r\n<A>x\x01</A>\r\n<B></B>\n</R>\r\n"
    )
    assert told.splitlines() == [
        "  <R>",
        "- <A>{number}</A>\\r\\n",
        "- <B></B>\\r\\n",
        "+ <A>x\\x01</A>\\r\\n",
        "+ <B></B>\\n",
        "  </R>",
    ]


def test_the_difference_pairs_lines_around_what_is_missing_and_what_is_too_much() -> None:
    template = Template.of(LIST, {"name": "mine"})
    told = tell_difference(template, wire("<L>\n<COUNT>1</COUNT>\n<A>1</A>\n<B>other</B>\n</L>\n<C>\n")).splitlines()
    assert [line for line in told if line.startswith(("-", "+"))] == [
        "- <B>mine</B>\\r\\n",
        "+ <B>other</B>\\r\\n",
        "+ <C>\\r\\n",
    ]


def test_the_difference_leaves_out_what_is_far_away() -> None:
    lines = "".join(f"<X{n}></X{n}>\n" for n in range(50))
    told = tell_difference(Template.of(lines, {}), wire(lines.replace("<X25></X25>", "<X25>a</X25>"))).splitlines()
    assert told[0] == "  …"
    assert told[-1] == "  …"
    assert len(told) == 2 + 3 + 2 + 3
