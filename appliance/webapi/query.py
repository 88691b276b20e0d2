"""Read named values from a query string or a form body."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from appliance.xmlapi.codec import decode_text


def read_values(query: bytes, form: bytes = b"") -> dict[str, str]:
    """Give the values by upper-case name, trimmed. The form counts before the query, a later one before an earlier.

    ``%xx`` and ``+`` are decoded; octets are UTF-8, or else Windows-1252.
    """
    values: dict[str, str] = {}
    for part in (*query.split(b"&"), *form.split(b"&")):
        name, _, value = part.partition(b"=")
        if name:
            values[_text(name).upper()] = _text(value)
    return values


def _text(encoded: bytes) -> str:
    return decode_text(unquote_to_bytes(encoded.replace(b"+", b" "))).strip()
