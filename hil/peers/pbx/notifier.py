"""What a PBX tells of its phones' calls (RFC 4235): an event server of our own, on a socket of its own."""

from __future__ import annotations

import re
import secrets
import socket
import threading
from typing import Self, final

from hil.peers.sip_uac import Message

_STEP_S = 0.1


@final
class Notifier:
    """Answers every SUBSCRIBE with 200 and one NOTIFY of the dialogs that were set; a context manager.

    ``dialogs`` holds, by user, ``(call_id, local_tag, remote_tag, state)`` as the phone (or its PBX) has them.
    ``mute``: it accepts, and notifies nothing.
    """

    def __init__(self, *, mute: bool = False) -> None:
        self.dialogs: dict[str, list[tuple[str, str, str, str]]] = {}
        self.subscribed: list[str] = []
        self.mute = mute
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
        self._send(
            [
                "SIP/2.0 200 OK",
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
        if not self.mute:
            self._notify(request, own, user, sender, is_over=expires == "0")

    def _notify(self, request: Message, own: str, user: str, sender: tuple[str, int], *, is_over: bool) -> None:
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
                f"CSeq: {1 + int(request.one('CSeq').split()[0])} NOTIFY",
                f"Contact: <sip:127.0.0.1:{self.port}>",
                "Event: dialog",
                f"Subscription-State: {'terminated;reason=timeout' if is_over else 'active;expires=600'}",
                "Content-Type: application/dialog-info+xml",
            ],
            document(user, self.dialogs.get(user, [])),
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
