"""The queue of mails: which recording goes to whom, how far that is, and what the server last said.

A mail is ``queued`` until it is due, ``sending`` while the box speaks with the server, then ``sent`` or ``failed``.
Each step is one transaction, so that a technician's command and the box, two processes, never do the same twice.
"""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any, final

import peewee
import pydantic

from appliance.store.database import Database
from appliance.store.tables import MailRow


@final
class MailState(enum.StrEnum):
    """How far a mail is."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


@final
class QueuedMail(pydantic.BaseModel):
    """One mail to one address.

    ``due_at`` is when it is tried next, ``give_up_at`` when a further failure is the last. ``reply`` is what the
    server said last, or why it could not be asked.
    """

    model_config = pydantic.ConfigDict(frozen=True)

    mail_id: int = 0
    message_id: str
    record_id: int
    address: str
    media_format: str
    state: MailState = MailState.QUEUED
    attempts: int = 0
    queued_at: dt.datetime
    due_at: dt.datetime
    give_up_at: dt.datetime
    finished_at: dt.datetime | None = None
    reply: str = ""


@final
class Mails:
    """The mails. Every coroutine raises DatabaseError when the database could not do it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, mails: list[QueuedMail], most: int) -> bool:
        """Queue all of them, or none and give False if more than ``most`` would wait then."""
        return await self._database.write(lambda database: _add(database, mails, most))

    async def take(self, now: dt.datetime) -> QueuedMail | None:
        """Give the mail that is due longest, which is then being sent."""
        due = await self._mails((MailRow.state == MailState.QUEUED) & (MailRow.due_at <= now), limit=1)
        return await self._database.write(lambda database: _take(database, due[0].mail_id)) if due else None

    async def resume(self, due_at: dt.datetime) -> int:
        """Queue again what was being sent when the box went down; give its number."""
        back = {"state": MailState.QUEUED, "due_at": due_at, "reply": "the box went down while it was being sent"}
        return await self._change(MailRow.state == MailState.SENDING, back)

    async def wait(self, mail_id: int, due_at: dt.datetime, reply: str) -> None:
        """Queue the mail that was being sent once more."""
        await self._change(_sending(mail_id), {"state": MailState.QUEUED, "due_at": due_at, "reply": reply})

    async def finish(self, mail_id: int, state: MailState, now: dt.datetime, reply: str) -> None:
        """End the mail that was being sent as ``sent`` or ``failed``."""
        await self._change(_sending(mail_id), {"state": state, "finished_at": now, "reply": reply})

    async def retry(self, mail_id: int, now: dt.datetime, give_up_at: dt.datetime) -> bool:
        """Make a queued or failed mail due now; False if there is no such one."""
        waiting = (MailRow.mail_id == mail_id) & MailRow.state.in_((MailState.QUEUED, MailState.FAILED))
        anew = {"state": MailState.QUEUED, "due_at": now, "give_up_at": give_up_at, "finished_at": None}
        return bool(await self._change(waiting, anew))

    async def drop(self, mail_id: int) -> bool:
        """Forget a mail, whatever its state; False if there is no such one."""
        return bool(await self._delete(MailRow.mail_id == mail_id))

    async def forget(self, before: dt.datetime) -> int:
        """Forget the mails that were sent or failed before that moment; give their number."""
        return await self._delete(MailRow.finished_at < before)

    async def by_id(self, mail_id: int) -> QueuedMail | None:
        """Give the mail of that id."""
        found = await self._mails(MailRow.mail_id == mail_id, limit=1)
        return found[0] if found else None

    async def all(self, states: tuple[MailState, ...] = tuple(MailState), limit: int = 1000) -> list[QueuedMail]:
        """Give the mails in one of the states, newest first, at most ``limit``."""
        return await self._mails(MailRow.state.in_(states), limit, MailRow.mail_id.desc())

    async def _mails(self, condition: Any, limit: int, order: Any = None) -> list[QueuedMail]:
        query = MailRow.select().where(condition).order_by(order or MailRow.due_at, MailRow.mail_id).limit(limit)
        rows: list[dict[str, Any]] = await self._database.read(lambda database: list(query.dicts().execute(database)))
        return [QueuedMail.model_validate(row) for row in rows]

    async def _change(self, condition: Any, values: dict[str, Any]) -> int:
        query = MailRow.update(values).where(condition)
        return await self._database.write(lambda database: int(query.execute(database)))

    async def _delete(self, condition: Any) -> int:
        query = MailRow.delete().where(condition)
        return await self._database.write(lambda database: int(query.execute(database)))


def _sending(mail_id: int) -> Any:
    return (MailRow.mail_id == mail_id) & (MailRow.state == MailState.SENDING)


def _add(database: peewee.Database, mails: list[QueuedMail], most: int) -> bool:
    waiting = MailRow.select().where(MailRow.state.in_((MailState.QUEUED, MailState.SENDING))).count(database)
    if waiting + len(mails) > most:
        return False
    for mail in mails:
        MailRow.insert(mail.model_dump(exclude={"mail_id"})).execute(database)
    return True


def _take(database: peewee.Database, mail_id: int) -> QueuedMail | None:
    queued = (MailRow.mail_id == mail_id) & (MailRow.state == MailState.QUEUED)
    taken = MailRow.update(state=MailState.SENDING, attempts=MailRow.attempts + 1).where(queued).execute(database)
    if not taken:  # a technician dropped it meanwhile
        return None
    return QueuedMail.model_validate(MailRow.select().where(MailRow.mail_id == mail_id).dicts().get(database))
