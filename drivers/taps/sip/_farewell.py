"""The BYE that ends a call after its worker's death, made of what the worker knows while it lives (RFC 3261, 12.2)."""

from __future__ import annotations

import dataclasses
import re
import secrets
from typing import Final, Self, final

from drivers.taps.sip._message import Message

_SEQUENCE: Final = 1_000_000  # above whatever the worker sent within the dialog: PJSIP begins below 32768
_REASON: Final = 'SIP;cause=503;text="the recorder of this call has failed"'  # RFC 3326
_URI: Final = re.compile(r"<([^<>\s]+)>")
_ROUTE: Final = re.compile(r"<[^<>\s]+>[^,]*")
_BARE: Final = re.compile(r"[^\s;,<>]+")
_HOP: Final = re.compile(
    r"sip:(?:[^@\s]*@)?(?P<host>\d{1,3}(?:\.\d{1,3}){3})(?::(?P<port>\d{1,5}))?(?P<rest>[;?].*|)", re.IGNORECASE
)
_OTHER_TRANSPORT: Final = re.compile(r";transport=(?!udp)", re.IGNORECASE)
_SIP_PORT: Final = 5060


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Farewell:
    """A dialog as our end of it knows it. ``own`` and ``far`` are whole From and To headers, with their tags."""

    call_id: str
    own: str
    far: str
    target: str
    routes: tuple[str, ...]

    @classmethod
    def of_call(cls, invite: Message, ack: Message) -> Self:
        """Of a call that came: its INVITE, and the ACK, which has our tag."""
        return cls(invite.call_id, ack.header("to"), invite.header("from"), _uri_of(invite), invite.all("record-route"))

    @classmethod
    def of_answer(cls, answer: Message) -> Self:
        """Of a call that we placed: the answer 2xx to the INVITE."""
        routes = [route.strip() for line in answer.all("record-route") for route in _ROUTE.findall(line)]
        return cls(answer.call_id, answer.header("from"), answer.header("to"), _uri_of(answer), tuple(reversed(routes)))

    def moved(self, request: Message) -> Self:
        """Give the same dialog, at the far end's new address if the request tells one."""
        return dataclasses.replace(self, target=_uri_of(request) or self.target)

    def text(self) -> str:
        """Give the BYE without its Via; empty where the dialog is not known well enough."""
        if not (self.call_id and "tag" in self.own and "tag" in self.far and self.target):
            return ""
        lines = [
            f"BYE {self.target} SIP/2.0",
            *(f"Route: {route}" for route in self.routes),
            "Max-Forwards: 70",
            f"From: {self.own}",
            f"To: {self.far}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {_SEQUENCE} BYE",
            f"Reason: {_REASON}",
            "Content-Length: 0",
        ]
        return "\r\n".join(lines) + "\r\n\r\n"


def sent_from(text: str, host: str, port: int) -> bytes:
    """Give a BYE the Via of whoever sends it."""
    first, _, rest = text.partition("\r\n")
    via = f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{secrets.token_hex(12)};rport"
    return f"{first}\r\n{via}\r\n{rest}".encode("utf-8", "replace")


def next_hop(text: str) -> tuple[str, int] | None:
    """Where a BYE goes first, by UDP; None where that is no address, or by TCP or TLS."""
    bye = Message.read(text.encode("utf-8", "replace"))
    routes = [route for line in bye.all("route") for route in _ROUTE.findall(line)]
    found = _HOP.fullmatch(routes[0][1 : routes[0].index(">")] if routes else bye.request_uri)
    if found is None or _OTHER_TRANSPORT.search(found["rest"]):
        return None
    return found["host"], int(found["port"] or _SIP_PORT)


def _uri_of(message: Message) -> str:
    contact = message.header("contact")
    found = _URI.search(contact)
    if found is not None:
        return found[1]
    bare = _BARE.match(contact)
    return bare[0] if bare is not None else ""
