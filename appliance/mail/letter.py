"""One mail as octets: a few lines of text, and the recording as an attachment that is coded while it is sent."""

from __future__ import annotations

import base64
import dataclasses
import secrets
from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import final

from appliance import clock
from appliance.recording.facts import Recording
from appliance.store.mail import QueuedMail

_POLICY = SMTP.clone(cte_type="7bit")  # plain ASCII goes through every server
_LINE_BYTES = 57  # are 76 characters of base64 (RFC 2045, 6.8)


@final
@dataclasses.dataclass(slots=True)
class Letter:
    """What is written behind DATA. ``length_bytes`` counts the mail as it is, before dots are doubled."""

    head: bytes
    attachment: AsyncIterator[bytes]
    tail: bytes
    length_bytes: int

    async def octets(self) -> AsyncIterator[bytes]:
        """Give the mail in pieces, dots at the begin of a line doubled (RFC 5321, 4.5.2), with the end's dot."""
        yield _doubled(self.head)
        rest = b""
        async for chunk in self.attachment:
            rest += chunk
            whole = len(rest) - len(rest) % _LINE_BYTES
            yield _coded(rest[:whole])
            rest = rest[whole:]
        yield _coded(rest) + _doubled(self.tail) + b".\r\n"


def compose(
    mail: QueuedMail, recording: Recording, sender: str, media_type: str, rendered: tuple[int, AsyncIterator[bytes]]
) -> Letter:
    """Write the mail around an attachment of a known length in bytes."""
    message = EmailMessage(_POLICY)
    message["From"] = sender
    message["To"] = mail.address
    message["Date"] = clock.local(mail.queued_at)
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence should answer it
    message["Subject"] = _printable(f"Recording {recording.record_id}, {recording.device_id}, {_begin(recording)}")
    message.set_content(_text(recording))
    stands_for = secrets.token_bytes(_LINE_BYTES - 1)
    kind, _, subkind = media_type.partition("/")
    name = _printable(f"{Path(recording.filename).stem}.{mail.media_format}")
    message.add_attachment(stands_for, maintype=kind, subtype=subkind, filename=name)
    head, tail = message.as_bytes().split(_coded(stands_for))
    length_bytes, octets = rendered
    return Letter(head, octets, tail, len(head) + _coded_bytes(length_bytes) + len(tail))


def _text(recording: Recording) -> str:
    lines = [
        ("Record", str(recording.record_id)),
        ("Call", recording.global_call_id),
        ("Device", f"{recording.device_id} {recording.fields.device_alias}"),
        ("From", recording.fields.ani),
        ("To", recording.fields.dnis),
        ("Begin", _begin(recording)),
        ("Length", f"{recording.duration_s:.1f} s"),
        ("Left out", f"{len(recording.gaps)} gaps, {len(recording.blackouts)} blackouts"),
        ("Interrupted", "yes, the end is missing" if recording.interrupted else ""),
    ]
    return "".join(f"{name + ':':13}{_printable(value)}\n" for name, value in lines if value.strip())


def _begin(recording: Recording) -> str:
    return clock.local(recording.started_at).isoformat(" ", "seconds")


def _printable(text: str) -> str:
    """Leave out what would end or spoil a line: the data of calls come from outside."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _coded(octets: bytes) -> bytes:
    return base64.encodebytes(octets).replace(b"\n", b"\r\n")


def _coded_bytes(length_bytes: int) -> int:
    return -(-length_bytes // 3) * 4 + -(-length_bytes // _LINE_BYTES) * 2


def _doubled(octets: bytes) -> bytes:
    return octets.replace(b"\r\n.", b"\r\n..")
