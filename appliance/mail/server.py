"""The talk with the mail server: TLS, log-in, envelope, and the letter in pieces.

The commands are aiosmtplib's. The letter itself is written here, piece by piece: the library would take it whole and
go through all of it at once, and for so long the box would answer nobody.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NoReturn, cast, final

import aiosmtplib

from appliance.errors import LinetapError
from appliance.mail.letter import Letter
from appliance.settings.models import MailSettings

_START_INPUT = 354
_COMPLETED = 250
_LONGEST_WORDS = 500


@final
class MailRefusedError(LinetapError):
    """The mail will never be taken as it is; the text is the server's, or tells what is wrong here."""


@final
class MailDelayedError(LinetapError):
    """The mail was not taken, and may be later."""


@final
class ServerAwayError(LinetapError):
    """The server is away, busy, not to be trusted, or does not let us in: no mail can be sent now."""


async def deliver(settings: MailSettings, address: str, write: Callable[[], Awaitable[Letter]]) -> str:
    """Send one mail and give the server's words.

    ``write`` is asked for the letter once the server has let us in. Raises MailRefusedError, MailDelayedError,
    ServerAwayError.
    """
    client = await _connected(settings)
    assert client.protocol is not None
    transport = cast("asyncio.WriteTransport", client.transport)
    writer = asyncio.StreamWriter(transport, client.protocol, None, asyncio.get_running_loop())
    try:
        reply = await _handed_over(client, writer, settings, address, await write())
    except aiosmtplib.SMTPResponseException as error:
        kind = MailRefusedError if error.code >= 500 else MailDelayedError
        raise kind(_words(error)) from error
    except (aiosmtplib.SMTPException, OSError) as error:
        raise MailDelayedError(_words(error)) from error
    finally:
        await _part(client)
    return reply


async def _connected(settings: MailSettings) -> aiosmtplib.SMTP:
    try:
        password, context = await asyncio.to_thread(_credentials, settings)
    except (OSError, ValueError) as error:  # no file, no certificate, no text
        raise ServerAwayError(f"password_file or ca_file cannot be read: {error}") from error
    client = aiosmtplib.SMTP(
        hostname=settings.host,
        port=settings.port,
        username=settings.user or None,
        password=password,
        local_hostname=socket.gethostname(),
        timeout=settings.timeout_s,
        use_tls=settings.tls == "tls",
        start_tls=settings.tls == "starttls",
        tls_context=context,
    )
    try:
        await client.connect()
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        client.close()
        raise ServerAwayError(_words(error)) from error
    except BaseException:
        client.close()
        raise
    return client


def _credentials(settings: MailSettings) -> tuple[str | None, ssl.SSLContext | None]:
    """Read what the files say now, so that a password or certificate can be changed while the box runs."""
    password = settings.password_file.read_text("utf-8").strip("\r\n") if settings.password_file else None
    if settings.tls == "none":
        return password, None
    return password, ssl.create_default_context(cafile=settings.ca_file)


async def _handed_over(
    client: aiosmtplib.SMTP, writer: asyncio.StreamWriter, settings: MailSettings, address: str, letter: Letter
) -> str:
    try:
        options = [f"SIZE={letter.length_bytes}"] if client.supports_extension("size") else []
        await client.mail(settings.sender or "", options=options)
        await client.rcpt(address)
        start = await client.execute_command(b"DATA")
        if start.code != _START_INPUT:
            raise aiosmtplib.SMTPDataError(start.code, start.message)
        reply = await _written(client, writer, letter.octets(), settings.timeout_s)
    finally:
        await _close(letter)
    if reply.code != _COMPLETED:
        raise aiosmtplib.SMTPDataError(reply.code, reply.message)
    return _line(f"{reply.code} {reply.message}")


async def _written(
    client: aiosmtplib.SMTP, writer: asyncio.StreamWriter, octets: AsyncIterator[bytes], timeout_s: float
) -> aiosmtplib.SMTPResponse:
    """Write the letter as fast as the server takes it, and give the answer to the whole of it."""
    assert client.protocol is not None
    answer = asyncio.create_task(client.protocol.read_response(), name="mail server's answer")
    try:
        async for piece in octets:
            if answer.done():
                _raise_cut_short(answer.result())
            writer.write(piece)
            async with asyncio.timeout(timeout_s):
                await writer.drain()
        async with asyncio.timeout(timeout_s):
            return await answer
    except BaseException as error:
        client.close()  # half a letter must not be ended by anything that looks like its end
        if isinstance(error, TimeoutError):
            raise TimeoutError(f"the server took no more of the mail for {timeout_s:g} s") from error
        raise
    finally:
        answer.cancel()
        await asyncio.gather(answer, return_exceptions=True)


def _raise_cut_short(reply: aiosmtplib.SMTPResponse) -> NoReturn:
    """The server answered before the mail's end, thus has not taken it, whatever it says."""
    raise aiosmtplib.SMTPDataError(reply.code, reply.message)


async def _close(letter: Letter) -> None:
    if (close := getattr(letter.attachment, "aclose", None)) is not None:
        await close()


async def _part(client: aiosmtplib.SMTP) -> None:
    """Say good-bye where there is still somebody; what was said before counts, whatever comes now."""
    try:
        if client.is_connected:
            await client.quit(timeout=5)
    except (aiosmtplib.SMTPException, OSError):
        pass
    finally:
        client.close()


def _words(error: Exception) -> str:
    """Give the error in one line, with the code where the server gave one."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return _line(f"{error.code} {error.message}")
    text = str(error)
    if not text or text.endswith((":", ": ")):  # the cause had nothing to say
        text += f" {type(error.__cause__ or error).__name__}"
    return _line(text)


def _line(text: str) -> str:
    """Give what a server said as text that can be stored and shown, whatever it was."""
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(shown.split())[:_LONGEST_WORDS]
