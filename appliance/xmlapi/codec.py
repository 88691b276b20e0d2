"""Read one message leniently: bytes to named values.

The parser is expat, for it keeps no table of names between messages: a client that invents element names cannot make
the process grow. It reads strictly; only a message that is not well-formed is repaired in two ways and read again:
bare ampersands become text, and names are put into one letter case.
"""

from __future__ import annotations

import logging
import re
from typing import Any, final
from xml.parsers import expat

from appliance.errors import FormatInvalidError

logger = logging.getLogger(__name__)

_CP1252 = {n: bytes([n]).decode("cp1252", "ignore") or chr(n) for n in range(0x80, 0xA0)}
_VERBATIM_OR_FAULT = re.compile(
    rb"(?P<verbatim><!\[CDATA\[.*?\]\]>|<!--.*?-->)"
    rb"|(?P<bare>&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});))"
    rb"|(?P<name></?[A-Za-z_:\x80-\xff][^\s/<>\"'=&]*)",
    re.DOTALL,
)


def decode_text(octets: bytes) -> str:
    """Read text that is UTF-8, or else Windows-1252 (whose five unused octets become control characters)."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1").translate(_CP1252)


def decode(message: bytes) -> dict[str, str]:
    """Give the message's values by upper-case name, trimmed, TYPE among them; the last of a repeated name counts.

    Attributes of the root are values too. A root that is not REQUEST is the TYPE, unless one is given. Raises
    FormatInvalidError.
    """
    message = decode_text(message).encode()
    try:
        return _parse(message)
    except expat.ExpatError as first:
        repaired = _VERBATIM_OR_FAULT.sub(_repair, message)
        try:
            values = _parse(repaired)
        except expat.ExpatError as error:
            raise FormatInvalidError from error
        logger.info("message repaired: %s", first)
        return values


def _repair(found: re.Match[bytes]) -> bytes:
    if found["bare"]:
        return b"&amp;"
    return found["name"].upper() if found["name"] else found[0]


def _parse(message: bytes) -> dict[str, str]:
    reader = _Reader()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.Parse(message, True)
    return reader.values


@final
class _Reader:
    """Collects the text of the root's children."""

    __slots__ = ("_depth", "_parts", "values")

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self._depth = 0
        self._parts: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1:
            self._root(_plain(name), attributes)
        elif self._depth == 2:
            self._parts.clear()

    def text(self, text: str) -> None:
        if self._depth > 1:
            self._parts.append(text)

    def end(self, name: str) -> None:
        if self._depth == 2:
            name, value = _plain(name), "".join(self._parts).strip()
            if value or name != "TYPE":  # a blank TYPE leaves it to the root's name
                self.values[name] = value
        self._depth -= 1

    def doctype(self, *_declaration: Any) -> None:
        raise FormatInvalidError

    def _root(self, name: str, attributes: dict[str, str]) -> None:
        if name != "REQUEST":
            self.values["TYPE"] = name
        for attribute, value in attributes.items():
            self.values[_plain(attribute)] = value.strip()


def _plain(name: str) -> str:
    """Name without its prefix, in upper case."""
    return name.rpartition(":")[2].upper()
