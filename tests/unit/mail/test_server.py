"""The letter on the wire, against servers that behave badly in the middle of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from appliance.mail.letter import Letter
from appliance.mail.server import MailDelayedError, MailRefusedError, ServerAwayError, deliver
from appliance.settings.models import MailSettings

READY = (b"220 hi", b"250 hi", b"250 ok", b"250 ok", b"354 go")  # greeting, EHLO, MAIL, RCPT, DATA
Behave = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(behave: Behave) -> AsyncIterator[MailSettings]:
    """Be polite until DATA, then behave as told."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for line in READY:
            writer.write(line + b"\r\n")
            if line != READY[-1]:
                await reader.readline()
        try:
            await behave(reader, writer)
        finally:
            writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0, limit=1 << 22)
    port = listening.sockets[0].getsockname()[1]
    yield MailSettings(host="127.0.0.1", port=port, tls="none", sender="box@example.com", timeout_s=1)
    listening.close()
    await listening.wait_closed()


class Attachment:
    """Zeros without end, or so many blocks; counts what was taken."""

    def __init__(self, blocks: int = 1 << 30) -> None:
        self.left, self.taken_bytes, self.closed = blocks, 0, False

    def __aiter__(self) -> Attachment:
        return self

    async def __anext__(self) -> bytes:
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        self.taken_bytes += 1 << 17
        await asyncio.sleep(0)
        return bytes(1 << 17)

    async def aclose(self) -> None:
        self.closed = True


async def send(settings: MailSettings, attachment: Attachment) -> str:
    async def write() -> Letter:
        return Letter(b"Subject: x\r\n.a\r\n..b\r\n\r\n", attachment, b"--end--\r\n", 100)

    async with asyncio.timeout(20):
        return await deliver(settings, "ann@example.com", write)


async def test_the_letter_ends_with_a_dot_and_other_dots_are_doubled() -> None:
    got = bytearray()

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.extend(await reader.readuntil(b"\r\n.\r\n"))
        writer.write(b"250-kept\r\n250 as \xff\x01 7\r\n")
        await reader.readline()

    async with server(keep) as settings:
        reply = await send(settings, Attachment(1))
    assert reply == "250 kept as 7"
    assert got.startswith(b"Subject: x\r\n..a\r\n...b\r\n\r\nAAAA")
    assert got.endswith(b"AAA=\r\n--end--\r\n.\r\n")
    assert max(map(len, got.split(b"\r\n"))) == 76


async def test_a_server_that_stops_reading_is_given_up_and_little_is_rendered_for_it() -> None:
    ended = asyncio.Event()

    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.wait_for(ended.wait(), 20)

    attachment = Attachment()
    async with server(stall) as settings:
        with pytest.raises(MailDelayedError, match="took no more of the mail for 1 s"):
            await send(settings, attachment)
        ended.set()
    assert attachment.taken_bytes < 32 << 20, "what the sockets hold"
    assert attachment.closed


@pytest.mark.parametrize(
    ("words", "kind"),
    [(b"552 too big", MailRefusedError), (b"452 full", MailDelayedError), (b"250 ok", MailDelayedError)],
)
async def test_a_server_that_answers_before_the_end_has_not_taken_it(words: bytes, kind: type[Exception]) -> None:
    async def cut_short(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1 << 20)
        writer.write(words + b"\r\n")
        while await reader.read(1 << 20):
            pass

    attachment = Attachment()
    async with server(cut_short) as settings:
        with pytest.raises(kind, match=words.decode()[4:]):
            await send(settings, attachment)
    assert attachment.closed


async def test_a_server_that_hangs_up_in_the_middle_has_not_taken_it() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1 << 20)
        writer.transport.abort()

    async with server(hang_up) as settings:
        with pytest.raises(MailDelayedError):
            await send(settings, Attachment())


async def test_no_server_and_no_password_file_concern_every_mail() -> None:
    settings = MailSettings(host="127.0.0.1", port=1, tls="none", sender="a@b")
    with pytest.raises(ServerAwayError, match=r"127\.0\.0\.1 on port 1"):
        await send(settings, Attachment())
    with pytest.raises(ServerAwayError, match="ca_file cannot be read"):
        await send(settings.model_copy(update={"tls": "tls", "ca_file": "/no/where"}), Attachment())
    with pytest.raises(ServerAwayError):
        await send(settings.model_copy(update={"host": "a..b"}), Attachment())
