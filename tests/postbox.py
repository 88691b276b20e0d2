"""A real mail server on loopback, over TLS, that keeps what it takes; it can be closed and opened on its port again."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import threading
import time
import warnings
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal, Self

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HOST = "127.0.0.1"
USER, PASSWORD = "recorder", "open sesame"
WAIT_S = 20.0
_POLICY = email.policy.SMTP


class Postbox:
    """The server, in a thread of its own.

    ``answer_to`` and ``answer_at_end`` are what it says to a recipient and to a letter; ``taken`` are the letters
    that it said 250 to.
    """

    def __init__(
        self, folder: Path, *, tls: Literal["starttls", "tls", "none"] = "starttls", most_bytes: int = 1 << 25
    ) -> None:
        self.tls = tls
        self.most_bytes = most_bytes
        self.port = 0
        self.taken: list[EmailMessage] = []
        self.senders: list[str] = []
        self._sessions: list[SMTP] = []
        self.log_ins: list[bool] = []
        self.answer_to: Callable[[str], str] = lambda _: "250 OK"
        self.answer_at_end: Callable[[], str] = lambda: "250 kept as 4711"
        authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(HOST).configure_cert(self.context)
        self.password_file = folder / "password"
        self.password_file.write_text(PASSWORD + "\n")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Settings of a box that sends through this server."""
        own = {
            "host": HOST,
            "port": self.port,
            "tls": self.tls,
            "sender": "box@example.com",
            "timeout_s": 5,
            "retry_s": 1,
        }
        if self.tls != "none":
            own |= {"ca_file": str(self.ca_file), "user": USER, "password_file": str(self.password_file)}
        return own | changes

    def open(self) -> None:
        """Listen, on the same port as before."""
        ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, args=(self._loop, ready), daemon=True)
        self._thread.start()
        assert ready.wait(WAIT_S)

    def close(self) -> None:
        """Hang up on everybody."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(WAIT_S)
            self._loop = None

    def wait(self, count: int = 1) -> list[EmailMessage]:
        """Give the letters once so many are there."""
        deadline_s = time.monotonic() + WAIT_S
        while len(self.taken) < count:
            assert time.monotonic() < deadline_s, f"{len(self.taken)} of {count} letters came"
            time.sleep(0.02)
        return self.taken

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- what aiosmtpd calls

    async def handle_RCPT(  # noqa: N802 - its name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self.answer_to(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        answer = self.answer_at_end()
        if answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            letter = email.message_from_bytes(envelope.content, EmailMessage, policy=_POLICY)
            assert envelope.rcpt_tos == [letter["To"]]
            self.senders.append(envelope.mail_from or "")
            self.taken.append(letter)
        return answer

    def _log_in(self, *facts: Any) -> AuthResult:
        data = facts[-1]
        assert isinstance(data, LoginPassword)
        good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        self.log_ins.append(good)
        return AuthResult(success=good, handled=good)  # what is not handled is answered with 535

    # --- its thread

    def _serve(self, loop: asyncio.AbstractEventLoop, ready: threading.Event) -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(
            loop.create_server(
                lambda: self._session(loop), HOST, self.port, ssl=self.context if self.tls == "tls" else None
            )
        )
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        loop.run_forever()
        server.close()
        for session in self._sessions:
            if isinstance(session.transport, asyncio.WriteTransport):
                session.transport.abort()
        self._sessions.clear()
        for task in (tasks := asyncio.all_tasks(loop)):
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    def _session(self, loop: asyncio.AbstractEventLoop) -> SMTP:
        with_log_in = self.tls != "none"
        with warnings.catch_warnings():  # aiosmtpd does not see that the connection is under TLS from its begin
            warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS", UserWarning)
            session = SMTP(
                self,
                loop=loop,
                hostname="mail.example.com",
                data_size_limit=self.most_bytes,
                tls_context=self.context if self.tls == "starttls" else None,
                require_starttls=self.tls == "starttls",
                auth_required=with_log_in,
                auth_require_tls=self.tls == "starttls",
                authenticator=self._log_in if with_log_in else None,
            )
        self._sessions.append(session)
        return session


def attachment(letter: EmailMessage) -> tuple[str, str, bytes]:
    """Give file name, MIME type and octets of the one attachment."""
    (part,) = letter.iter_attachments()
    octets = part.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return part.get_filename() or "", part.get_content_type(), octets
