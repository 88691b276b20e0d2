"""Print documents: element names upper case, one element a line with CR LF, pure ASCII, always well-formed."""

from __future__ import annotations

import re

from appliance.messages.result import Body, Result

_SPECIAL = re.compile("[&<>\r\n\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;", "\n": "&#10;"}
_NO_CHARACTER = "&#65533;"  # XML 1.0 has no way to write a control character or half a surrogate pair


def escape(text: str) -> str:
    """Give the text as element content on one line; what XML cannot hold becomes U+FFFD."""
    return _SPECIAL.sub(lambda found: _ESCAPES.get(found[0], _NO_CHARACTER), text)


def print_document(root: str, body: Body, *, compact: bool = False) -> bytes:
    """Print one document, ended by CR LF. ``compact`` puts all of it on one line."""
    lines: list[str] = []
    _append(lines, root, body)
    text = ("" if compact else "\r\n").join(lines) + "\r\n"
    return text.encode("ascii", "xmlcharrefreplace")


def print_result(result: Result, *, compact: bool = False) -> bytes:
    """Print the RESULT document in the contract's order."""
    envelope = (
        ("REQUESTTYPE", result.request_type),
        ("REQUESTID", result.request_id),
        ("RESULTTYPE", result.result_type),
        ("RESULTCODE", str(result.code)),
        ("RESULTMSG", result.message),
    )
    return print_document("RESULT", envelope + result.body, compact=compact)


def _append(lines: list[str], name: str, value: str | Body) -> None:
    if not isinstance(value, tuple):
        lines.append(f"<{name}>{escape(str(value))}</{name}>")
    elif not value:
        lines.append(f"<{name}></{name}>")
    else:
        lines.append(f"<{name}>")
        for child, inner in value:
            _append(lines, child, inner)
        lines.append(f"</{name}>")
