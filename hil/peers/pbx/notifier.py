"""What a PBX tells of its phones' calls (RFC 4235): an event server of our own, on a socket of its own."""

from __future__ import annotations

import itertools
import re
import secrets
import socket
import threading
from collections.abc import Sequence
from typing import Self, final

from hil.peers.sip_uac import Message

_STEP_S = 0.1
_KIND = "application/dialog-info+xml"
_STATE = "active;expires=600"


@final
class Notifier:
    """Answers every SUBSCRIBE with 200 and one NOTIFY of the dialogs that were set; a context manager.

    ``dialogs`` holds, by user, ``(call_id, local_tag, remote_tag, state)`` as the phone (or its PBX) has them. Or it
    bends: ``bodies`` holds, by user, what it notifies instead, one after the other, as ``kind`` and in the
    subscription's ``state``; it answers ``refusal``; with ``hasty`` the NOTIFY comes before the answer. ``mute``: it
    accepts, and notifies nothing.
    """

    def __init__(self, *, mute: bool = False) -> None:
        self.dialogs: dict[str, list[tuple[str, str, str, str]]] = {}
        self.subscribed: list[str] = []
        self.mute = mute
        self.bodies: dict[str, Sequence[str]] = {}
        self.kind, self.state, self.refusal, self.hasty = _KIND, _STATE, "", False
        self._sequence = itertools.count(1)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(_STEP_S)
        self.port = int(self._socket.getsockname()[1])
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                octets, sender = self._socket.recvfrom(65536)
            except TimeoutError:
                continue
            message = Message(octets.decode(errors="replace"))
            if message.first.startswith("SUBSCRIBE "):
                self._accept(message, sender)

    def _accept(self, request: Message, sender: tuple[str, int]) -> None:
        user = request.first.partition(":")[2].partition("@")[0]
        expires = request.one("Expires") or "600"
        tag = re.search(r";tag=(\S+)", request.one("To", "t"))
        own = f"{request.one('To', 't')}" if tag else f"{request.one('To', 't')};tag={secrets.token_hex(4)}"
        is_over = expires == "0"
        notified = () if self.mute or self.refusal else self._told(user)
        if self.hasty:
            self._notify(request, own, notified, sender, is_over=is_over)
        self._send(
            [
                f"SIP/2.0 {self.refusal or '200 OK'}",
                *(f"Via: {value}" for value in request.all("Via", "v")),
                *(f"Record-Route: {value}" for value in request.all("Record-Route")),
                f"From: {request.one('From', 'f')}",
                f"To: {own}",
                f"Call-ID: {request.one('Call-ID', 'i')}",
                f"CSeq: {request.one('CSeq')}",
                f"Contact: <sip:127.0.0.1:{self.port}>",
                f"Expires: {expires}",
            ],
            "",
            sender,
        )
        if expires != "0":
            self.subscribed.append(user)
        if not self.hasty:
            self._notify(request, own, notified, sender, is_over=is_over)

    def _told(self, user: str) -> Sequence[str]:
        return self.bodies.get(user) or [document(user, self.dialogs.get(user, []))]

    def _notify(
        self, request: Message, own: str, bodies: Sequence[str], sender: tuple[str, int], *, is_over: bool
    ) -> None:
        for body in bodies:
            self._notify_one(request, own, body, sender, "terminated;reason=timeout" if is_over else self.state)

    def _notify_one(self, request: Message, own: str, body: str, sender: tuple[str, int], state: str) -> None:
        contact = re.search(r"<([^>]+)>", request.one("Contact", "m"))
        assert contact is not None
        self._send(
            [
                f"NOTIFY {contact[1]} SIP/2.0",
                f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{secrets.token_hex(6)};rport",
                *(f"Route: {value}" for value in request.all("Record-Route")),
                "Max-Forwards: 70",
                f"From: {own}",
                f"To: {request.one('From', 'f')}",
                f"Call-ID: {request.one('Call-ID', 'i')}",
                f"CSeq: {next(self._sequence)} NOTIFY",
                f"Contact: <sip:127.0.0.1:{self.port}>",
                "Event: dialog",
                f"Subscription-State: {state}",
                f"Content-Type: {self.kind}",
            ],
            body,
            sender,
        )

    def _send(self, lines: list[str], body: str, to: tuple[str, int]) -> None:
        text = "\r\n".join([*lines, f"Content-Length: {len(body.encode())}"]) + "\r\n\r\n" + body
        self._socket.sendto(text.encode(), to)


def document(user: str, dialogs: list[tuple[str, str, str, str]]) -> str:
    """Write the state of all dialogs of a phone."""
    parts = [
        f'<dialog id="d{n}" call-id="{call_id}" local-tag="{local}" remote-tag="{remote}" direction="recipient">'
        f"<state>{state}</state></dialog>"
        for n, (call_id, local, remote, state) in enumerate(dialogs)
    ]
    return (
        '<?xml version="1.0"?>\r\n<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" '
        f'entity="sip:{user}@pbx.example">{"".join(parts)}</dialog-info>\r\n'
    )
