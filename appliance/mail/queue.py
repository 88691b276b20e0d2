"""The queue: takes mails at once, sends them one after the other, and tries again what was not taken.

A mail stands in the database before its sender is answered, and is ``sent`` only after the server has taken it. If the
box goes down between the two it is sent again, with the same Message-ID.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Awaitable, Callable
from email.utils import make_msgid
from pathlib import Path
from typing import TypeVar, final

from appliance import clock
from appliance.bus.commands import Exporter
from appliance.errors import DatabaseError, FileMissingError, LinetapError, UnlicensedError, ValueInvalidError
from appliance.mail.address import is_allowed
from appliance.mail.letter import Letter, compose
from appliance.mail.server import MailDelayedError, MailRefusedError, ServerAwayError, deliver
from appliance.recording.facts import Recording
from appliance.settings.models import MailSettings
from appliance.store.mail import Mails, MailState, QueuedMail
from appliance.store.records import Records

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

POLL_S = 2.0
"""How often the queue looks for mails that are due, or that a technician made so."""
DATABASE_S = 10.0
"""How long it waits for a database that could not do it."""


@final
class MailQueue:
    """Implements ``appliance.bus.commands.Mail``. :meth:`run` is needed only where a server is set."""

    def __init__(self, settings: MailSettings, mails: Mails, records: Records, exporter: Exporter) -> None:
        self._settings = settings
        self._sender = settings.sender or ""  # set wherever a server is
        self._mails = mails
        self._records = records
        self._exporter = exporter
        self._put = asyncio.Event()
        self._rests_until_s = 0.0

    async def put(self, recording: Recording, addresses: tuple[str, ...], suffix: str) -> None:
        """Queue the recording for each address; on the disk when this returns.

        Raises UnlicensedError where no server is set, ValueInvalidError for an address or format that cannot be had
        and for a queue that is full, FileMissingError, DatabaseError; then for none of them.
        """
        if not self._settings.host:
            raise UnlicensedError("mail is switched off: no mail server is set")
        for address in addresses:
            if not is_allowed(address, self._settings.recipients):
                raise ValueInvalidError(f"mail may not go to {address}")
        self._exporter.media_type(suffix)
        if not await asyncio.to_thread(Path(recording.filename).is_file):
            raise FileMissingError
        now = clock.now()
        mails = [self._mail(recording, address, suffix, now) for address in addresses]
        if not await self._mails.add(mails, self._settings.most_waiting):
            raise ValueInvalidError("the mail queue is full")
        for mail in mails:
            logger.info("record %d goes to %s as %s: queued", mail.record_id, mail.address, mail.media_format)
        self._put.set()

    async def run(self) -> None:
        """Send for ever."""
        back = await self._sure(lambda: self._mails.resume(clock.now()))
        if back:
            logger.warning("%d mails were being sent when the box went down: queued again", back)
        while True:
            mail = None
            if clock.monotonic_s() >= self._rests_until_s:
                mail = await self._sure(lambda: self._mails.take(clock.now()))
            if mail is None:
                await self._wait()
            else:
                await self._attempt(mail)

    def _mail(self, recording: Recording, address: str, suffix: str, now: dt.datetime) -> QueuedMail:
        return QueuedMail(
            message_id=make_msgid(f"record{recording.record_id}", self._sender.rpartition("@")[2]),
            record_id=recording.record_id,
            address=address,
            media_format=suffix.lower(),
            queued_at=now,
            due_at=now,
            give_up_at=now + dt.timedelta(hours=self._settings.give_up_h),
        )

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._put.wait()
        except TimeoutError:
            pass
        self._put.clear()

    async def _attempt(self, mail: QueuedMail) -> None:
        try:
            reply = await deliver(self._settings, mail.address, lambda: self._letter(mail))
        except MailRefusedError as error:
            await self._finish(mail, MailState.FAILED, str(error))
        except MailDelayedError as error:
            await self._delay(mail, str(error))
        except ServerAwayError as error:  # the other mails would fare no better, and a log-in must not be hammered
            self._rests_until_s = clock.monotonic_s() + self._settings.retry_s
            await self._delay(mail, str(error))
        else:
            await self._finish(mail, MailState.SENT, reply)

    async def _letter(self, mail: QueuedMail) -> Letter:
        """Render and write the mail. Raises MailRefusedError, MailDelayedError."""
        recording = await self._recording(mail)
        try:
            media_type = self._exporter.media_type(mail.media_format)
            length_bytes, octets = await self._exporter.open(recording, mail.media_format)
        except ValueInvalidError as error:
            raise MailRefusedError(str(error)) from error
        except FileMissingError as error:
            raise MailDelayedError("the recording's file cannot be read") from error
        except LinetapError as error:
            raise MailDelayedError(str(error)) from error
        assert length_bytes is not None, "every format tells its length"
        return compose(mail, recording, self._sender, media_type, (length_bytes, octets))

    async def _recording(self, mail: QueuedMail) -> Recording:
        try:
            recording = await self._records.by_id(mail.record_id)
        except DatabaseError as error:
            raise MailDelayedError(str(error)) from error
        if recording is None:
            raise MailRefusedError("there is no such record any more")
        return recording

    async def _finish(self, mail: QueuedMail, state: MailState, reply: str) -> None:
        level = logging.INFO if state is MailState.SENT else logging.ERROR
        logger.log(level, "mail %d of record %d to %s: %s: %s", *_told(mail), state, reply)
        now = clock.now()
        await self._sure(lambda: self._mails.finish(mail.mail_id, state, now, reply))
        await self._sure(lambda: self._mails.forget(now - dt.timedelta(days=self._settings.keep_days)))

    async def _delay(self, mail: QueuedMail, reply: str) -> None:
        now = clock.now()
        if now >= mail.give_up_at:
            await self._finish(mail, MailState.FAILED, f"given up: {reply}")
            return
        delay_s = min(self._settings.retry_s * 2.0 ** min(mail.attempts - 1, 32), self._settings.retry_longest_s)
        logger.warning("mail %d of record %d to %s waits %.0f s: %s", *_told(mail), delay_s, reply)
        await self._sure(lambda: self._mails.wait(mail.mail_id, now + dt.timedelta(seconds=delay_s), reply))

    async def _sure(self, ask: Callable[[], Awaitable[_T]]) -> _T:
        """Ask the database until it answers: no mail is sent whose state cannot be kept."""
        while True:
            try:
                return await ask()
            except DatabaseError:  # told in the log by the store
                await asyncio.sleep(DATABASE_S)


def _told(mail: QueuedMail) -> tuple[int, int, str]:
    return mail.mail_id, mail.record_id, mail.address
