"""Answers that are given before PJSIP sees a request (RFC 3261, 8.2.6)."""

from __future__ import annotations

from typing import Final

from drivers.taps.sip._message import Message

_TAG: Final = "linetap-refused"
_COPIED: Final = ("via", "from", "to", "call-id", "cseq")
_NAMES: Final = {"via": "Via", "from": "From", "to": "To", "call-id": "Call-ID", "cseq": "CSeq"}
PHRASES: Final = {400: "Bad Request", 503: "Service Unavailable", 513: "Message Too Large"}


def compose(head: bytes, code: int, reason: str) -> bytes:
    """Answer the request with that head; empty where it is none that can be answered."""
    request = Message.read(head)
    if request.method == "ACK" or head.startswith(b"SIP/") or not all(request.header(name) for name in _COPIED):
        return b""
    lines = [f"SIP/2.0 {code} {PHRASES[code]}"]
    for name, value in request.headers:
        if name in _COPIED:
            tagged = f"{value};tag={_TAG}" if name == "to" and not request.to_tag else value
            lines.append(f"{_NAMES[name]}: {tagged}")
    lines.append(f'Warning: 399 linetap "{reason}"')
    if code == 503:
        lines.append("Retry-After: 5")
    lines += ["Server: Linetap", "Content-Length: 0"]
    return "\r\n".join([*lines, "", ""]).encode()


def acknowledges(head: bytes) -> bool:
    """Whether it is the ACK of an answer that was given here: PJSIP knows nothing of it."""
    return head.startswith(b"ACK ") and Message.read(head).to_tag == _TAG
