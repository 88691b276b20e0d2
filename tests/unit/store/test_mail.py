"""The queue of mails as rows: each step once, whoever asks."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

from appliance.store.mail import MailState, QueuedMail
from appliance.store.store import Store, open_mails

NOW = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.UTC)
S = dt.timedelta(seconds=1)


def mail(record_id: int = 204, **changes: Any) -> QueuedMail:
    facts: dict[str, Any] = {
        "message_id": f"<{record_id}@example.com>",
        "record_id": record_id,
        "address": "ann@example.com",
        "media_format": "mp3",
        "queued_at": NOW,
        "due_at": NOW,
        "give_up_at": NOW + 60 * S,
    }
    return QueuedMail(**(facts | changes))


async def test_a_mail_goes_its_way(store: Store) -> None:
    mails = store.mails
    assert await mails.add([mail()], 1)
    assert await mails.take(NOW - S) is None, "not due yet"
    taken = await mails.take(NOW)
    assert taken == mail(mail_id=1, state=MailState.SENDING, attempts=1)
    assert await mails.take(NOW) is None, "nobody else sends it"
    await mails.wait(1, NOW + 9 * S, "451 busy")
    assert await mails.take(NOW + 8 * S) is None
    assert (await mails.take(NOW + 9 * S)) == mail(
        mail_id=1, state=MailState.SENDING, attempts=2, due_at=NOW + 9 * S, reply="451 busy"
    )
    await mails.finish(1, MailState.SENT, NOW + 10 * S, "250 ok")
    await mails.wait(1, NOW, "late")
    done = await mails.by_id(1)
    assert done is not None
    assert (done.state, done.reply, done.finished_at) == (MailState.SENT, "250 ok", NOW + 10 * S)
    assert await mails.forget(NOW + 10 * S) == 0
    assert await mails.forget(NOW + 11 * S) == 1
    assert await mails.all() == []


async def test_the_one_due_longest_goes_first(store: Store) -> None:
    await store.mails.add([mail(1, due_at=NOW), mail(2, due_at=NOW - S), mail(3, due_at=NOW - S)], 9)
    taken = [await store.mails.take(NOW) for _ in range(3)]
    assert [one.record_id for one in taken if one] == [2, 3, 1]


async def test_two_that_ask_at_once_do_not_get_the_same(store: Store) -> None:
    await store.mails.add([mail()], 9)
    taken = await asyncio.gather(*(store.mails.take(NOW) for _ in range(5)))
    assert len([one for one in taken if one]) == 1


async def test_a_full_queue_takes_none_of_several(store: Store) -> None:
    assert await store.mails.add([mail(1)], 2)
    assert not await store.mails.add([mail(2), mail(3)], 2)
    assert len(await store.mails.all()) == 1
    await store.mails.take(NOW)
    await store.mails.finish(1, MailState.FAILED, NOW, "")
    assert await store.mails.add([mail(2), mail(3)], 2), "what failed waits no more"


async def test_only_what_waits_or_failed_is_tried_again(store: Store) -> None:
    mails = store.mails
    await mails.add([mail(n) for n in (1, 2, 3, 4)], 9)
    for state in (MailState.SENT, MailState.FAILED):
        taken = await mails.take(NOW)
        assert taken is not None
        await mails.finish(taken.mail_id, state, NOW, "x")
    await mails.take(NOW)
    later = NOW + 99 * S
    assert [await mails.retry(n, later, later) for n in (1, 2, 3, 4, 5)] == [False, True, False, True, False]
    again = await mails.by_id(2)
    assert again is not None
    assert (again.state, again.due_at, again.give_up_at, again.finished_at) == ("queued", later, later, None)


async def test_what_was_being_sent_is_queued_again_after_a_restart(tmp_path: Path) -> None:
    first = Store(tmp_path, 1)
    await first.open()
    await first.mails.add([mail(1), mail(2)], 9)
    await first.mails.take(NOW)
    await first.close()
    second = Store(tmp_path, 1)
    await second.open()
    assert await second.mails.resume(NOW + S) == 1
    found = {one.record_id: (one.state, one.attempts, one.reply) for one in await second.mails.all()}
    assert found == {1: ("queued", 1, "the box went down while it was being sent"), 2: ("queued", 0, "")}
    await second.close()


async def test_another_process_lists_and_drops(store: Store, tmp_path: Path) -> None:
    await store.mails.add([mail(1), mail(2)], 9)
    async with open_mails(tmp_path / "data") as other:
        assert [one.record_id for one in await other.all((MailState.QUEUED,), limit=1)] == [2]
        assert await other.drop(2)
        assert not await other.drop(2)
        await asyncio.gather(other.drop(1), store.mails.take(NOW))
    assert await store.mails.all() == []
