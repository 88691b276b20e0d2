from __future__ import annotations

import email
import email.policy
from collections.abc import AsyncIterator
from email.message import EmailMessage

import pytest

from appliance.mail.letter import compose
from appliance.recording.facts import Recording
from tests.postbox import attachment
from tests.unit.store.test_mail import mail


async def octets_of(length_bytes: int, piece_bytes: int) -> AsyncIterator[bytes]:
    whole = bytes(n % 251 for n in range(length_bytes))
    for at in range(0, length_bytes, piece_bytes):
        yield whole[at : at + piece_bytes]


@pytest.mark.parametrize("length_bytes", [0, 1, 56, 57, 58, 114, 5000])
@pytest.mark.parametrize("piece_bytes", [1, 57, 1000])
async def test_the_length_is_told_before_and_the_octets_are_whole(
    recording: Recording, length_bytes: int, piece_bytes: int
) -> None:
    letter = compose(mail(), recording, "box@example.com", "audio/mp4", (length_bytes, octets_of(length_bytes, 7)))
    letter.attachment = octets_of(length_bytes, piece_bytes)
    sent = b"".join([piece async for piece in letter.octets()])
    assert sent.endswith(b"\r\n.\r\n")
    assert b"\r\n.." not in sent
    assert len(sent) == letter.length_bytes + len(b".\r\n")
    assert sent.isascii()
    assert max(map(len, sent.split(b"\r\n"))) <= 78
    read = email.message_from_bytes(sent[:-3], EmailMessage, policy=email.policy.SMTP)
    assert attachment(read) == ("Büro-13-04-05.mp3", "audio/mp4", bytes(n % 251 for n in range(length_bytes)))
    assert not read.defects


def test_what_calls_bring_with_them_adds_no_header(recording: Recording) -> None:
    fields = recording.fields.model_copy(update={"ani": "1\r\n\r\n.\r\nQUIT", "device_alias": "\udc80\x00Ä"})
    evil = recording.model_copy(
        update={"fields": fields, "filename": "/rec/a\r\nX-Evil: 1\udcff.wav", "interrupted": True}
    )
    letter = compose(mail(), evil, "box@example.com", "audio/mpeg", (0, octets_of(0, 1)))
    read = email.message_from_bytes(letter.head + letter.tail, EmailMessage, policy=email.policy.SMTP)
    assert read["X-Evil"] is None
    assert attachment(read)[0] == "a X-Evil: 1 .mp3"
    text = read.get_body().get_content().replace("\r\n", "\n")  # type: ignore[union-attr]
    assert "From:        1 . QUIT\n" in text
    assert "Interrupted: yes, the end is missing\n" in text
