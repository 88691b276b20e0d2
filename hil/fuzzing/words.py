"""What the fuzzer begins with: the golden samples, one request of every message type, and the names in them.

All of it is taken from the declarations, so that a new message type is fuzzed without a change here.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote_plus

from appliance.messages.catalog import catalog
from appliance.messages.parameter import Choice
from appliance.messages.request import Request

GOLDEN: Final = Path(__file__).parents[2] / "tests" / "golden"
WAYS: Final = 8
"""The first octet of an input, modulo this, says which way it goes (see :mod:`hil.fuzzing.visit`)."""
WHOLE, PIECES, CUT, EVENTS, QUERY, FORM, HTTP, GONE = range(WAYS)

DEVICES: Final = ("5551", "5552", "5553", "DESK5", "mreed")
ODD: Final = ("", "0", "-1", "2147483647", "2147483648", "Y", "n", "?", "x" * 300, "a&b", "<", "ä", "\x00", "1.5", " ")
_MARKS: Final = (
    *("<REQUEST>", "</REQUEST>", "<REQUEST/>", "<TYPE>", "</TYPE>", "<TYPE/>", "</TYPE >", "<![CDATA[", "]]>"),
    *("<!--", "-->", "<?xml ", "?>", "<!DOCTYPE", "[", "]>", "&amp;", "&#", "&#x", "&", ";", "\r\n", "\xef\xbb\xbf"),
    *("GET /webAPI.aspx?", "POST /webapi.php HTTP/1.1\r\n", " HTTP/1.1\r\n", "HOST: x\r\n", "\r\n\r\n", "%", "+", "="),
    *("Content-Length: ", "Transfer-Encoding: chunked\r\n", "Range: bytes=0-", "Connection: close\r\n"),
)


def dictionary() -> str:
    """Give libFuzzer's dictionary: types, names of parameters, their words, marks of the syntax."""
    words = {*_MARKS, *DEVICES, "ALL", "CALL", "RECORD"}
    for name, kind in catalog().items():
        words |= {name, f"<TYPE>{name}</TYPE>"}
        for parameter in kind.fields_by_name:
            words |= {f"<{parameter}>", f"</{parameter}>", f"&{parameter.lower()}="}
        for declared in kind.parameters.values():
            words |= set(declared.words) if isinstance(declared, Choice) else set()
    return "".join(f'"{_escaped(word)}"\n' for word in sorted(words))


def seeds() -> Iterator[bytes]:
    """Give inputs to begin with."""
    for file in sorted(GOLDEN.rglob("*.request")):
        request = file.read_bytes().replace(b"\n", b"\r\n")
        if request.startswith((b"GET", b"POST")):
            yield bytes([QUERY]) + request.strip().partition(b"?")[2]
            yield bytes([HTTP]) + request.strip() + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        else:
            yield from (bytes([way]) + request for way in (WHOLE, PIECES, EVENTS))
    draw = random.Random(1)
    for kind in dict.fromkeys(catalog().values()):
        for sample in (*kind.samples, *(some_values(kind, draw) for _ in range(3))):
            values = {"TYPE": kind.wire_name(), "REQUESTID": "7", **sample}
            yield bytes([WHOLE]) + as_xml(values)
            yield bytes([QUERY]) + as_query(values)
    yield bytes([GONE]) + b"".join(as_xml(values) for values in _a_call())


def message(draw: random.Random, way: int) -> bytes:
    """Make one request of any type, in the syntax that the way takes."""
    kind = draw.choice(list(catalog().values()))
    values = {"TYPE": kind.wire_name(), "REQUESTID": draw.choice(("7", *ODD)), **some_values(kind, draw)}
    if way in {QUERY, FORM}:
        return as_query(values)
    if way == HTTP:
        return b"GET /webAPI.aspx?%b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % as_query(values)
    return as_xml(values)


def some_values(kind: type[Request], draw: random.Random) -> dict[str, str]:
    """Choose some of a type's parameters: known devices and its words mostly, odd values sometimes."""
    chosen = [name for name in kind.fields_by_name if draw.random() < 0.5]
    return {name: _value(kind, name, draw) for name in chosen}


def _value(kind: type[Request], name: str, draw: random.Random) -> str:
    declared = kind.parameters[kind.fields_by_name[name]]
    if draw.random() < 0.2:
        return draw.choice(ODD)
    if isinstance(declared, Choice):
        return draw.choice(declared.words)
    samples = [sample[name] for sample in kind.samples if name in sample]
    return draw.choice((*samples, *DEVICES, "Y", "1", "-5"))


def as_xml(values: dict[str, str]) -> bytes:
    """Write a request as XML, with what XML forbids left in."""
    inside = "".join(f"<{name}>{value}</{name}>\r\n" for name, value in values.items())
    return f"<REQUEST>\r\n{inside}</REQUEST>\r\n".encode()


def as_query(values: dict[str, str]) -> bytes:
    """Write a request as a query."""
    return "&".join(f"{name.lower()}={quote_plus(value)}" for name, value in values.items()).encode()


def _a_call() -> Iterator[dict[str, str]]:
    types = ("CALLSTART", "BLACKOUTSTART", "CALLUPDATE", "BLACKOUTSTOP", "CALLSTOP")
    for number, name in zip(itertools.count(1), types, strict=False):
        yield {"TYPE": name, "REQUESTID": str(number), "DEVICEID": "5552", "USER1": "one", "TIMEOFFSET": "-5"}


def _escaped(word: str) -> str:
    return "".join(chr(o) if 32 <= o < 127 and o not in b'"\\' else f"\\x{o:02x}" for o in word.encode("latin-1"))
