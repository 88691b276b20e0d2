from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import FormatInvalidError
from appliance.messages.printing import escape
from appliance.xmlapi.codec import decode, decode_text


def value(inner: bytes) -> str:
    return decode(b"<REQUEST><USER1>" + inner + b"</USER1></REQUEST>")["USER1"]


def test_both_roots_and_attributes() -> None:
    expected = {"TYPE": "TEST", "REQUESTID": "1"}
    assert decode(b"<REQUEST><TYPE>TEST</TYPE><REQUESTID>1</REQUESTID></REQUEST>") == expected
    assert decode(b"<test><requestid> 1 </requestid></test>") == expected
    assert decode(b'<Request Type="TEST" requestid="1"/>') == expected
    assert decode(b"<TEST><TYPE></TYPE><REQUESTID>1</REQUESTID></TEST>") == expected


def test_a_child_counts_before_an_attribute_and_the_last_of_a_name() -> None:
    assert decode(b'<REQUEST ANI="1"><ANI>2</ANI><ani>3</ani></REQUEST>')["ANI"] == "3"


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        (b"  Gold  Level \r\n", "Gold  Level"),
        (b"<![CDATA[ a < b & c ]]>", "a < b & c"),
        (b"Smith &amp; Sons", "Smith & Sons"),
        (b"Smith & Sons", "Smith & Sons"),
        (b"?a=1&b=2&copy=3&lt;", "?a=1&b=2&copy=3<"),
        (b"AT&T &#65;&#x42; &#; <![CDATA[a&b]]>", "AT&T AB &#; a&b"),
        (b"a<!-- & -->b & c", "ab & c"),
        (b"a<B>b</B>c", "abc"),
        ("Müller".encode(), "Müller"),
        ("Müller € \u201e".encode("cp1252"), "Müller € \u201e"),
        (b"\x81M\xfcller & Co", "\x81Müller & Co"),
        (b"", ""),
    ],
)
def test_values(inner: bytes, text: str) -> None:
    assert value(inner) == text


def test_stray_text_blanks_in_closing_tags_and_letter_case_are_forgiven() -> None:
    assert decode(b"<REQUEST>\r\n > <CRM_USER>a</CRM_USER >\r\n<x:ANI>1</x:ANI></REQUEST>") == {
        "CRM_USER": "a",
        "ANI": "1",
    }
    assert decode(b"<Request><DeviceId>7</DEVICEID></REQUEST>") == {"DEVICEID": "7"}


@pytest.mark.parametrize(
    "message",
    [
        b"<REQUEST><A></REQUEST>",
        b"<REQUEST><A>1</B></REQUEST>",
        b"<REQUEST>a < b</REQUEST>",
        b"<!DOCTYPE REQUEST><REQUEST><TYPE>TEST</TYPE></REQUEST>",
        b'<!DOCTYPE r [<!ENTITY a "TEST">]><REQUEST><TYPE>&a;</TYPE></REQUEST>',
        b"<REQUEST><A>\x00</A></REQUEST>",
        b"",
    ],
)
def test_what_is_no_message(message: bytes) -> None:
    with pytest.raises(FormatInvalidError):
        decode(message)


def test_deep_nesting_and_many_attributes_do_no_harm() -> None:
    deep = b"<a>" * 50_000 + b"</a>" * 50_000
    assert decode(b"<REQUEST>" + deep + b"</REQUEST>") == {"A": ""}
    many = b"".join(b' a%d="1"' % n for n in range(20_000))
    assert len(decode(b"<REQUEST" + many + b"/>")) == 20_000


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_read_or_refused(octets: bytes) -> None:
    assert isinstance(decode_text(octets), str)
    for message in (octets, b"<REQUEST>" + octets + b"</REQUEST>"):
        try:
            decode(message)
        except FormatInvalidError:
            continue


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=80))
def test_what_is_printed_is_read_again(text: str) -> None:
    printed = escape(text).encode("ascii", "xmlcharrefreplace")
    if not {"\ufffe", "\uffff"} & set(text):
        assert value(printed) == text.strip()
