"""The queue of mails. A frozen copy: it imports nothing of ours."""

from __future__ import annotations

from typing import Any

import peewee


def up(migrator: Any, db: peewee.Database) -> None:
    """Make the table; called in a transaction."""
    del migrator
    meta = type("Meta", (), {"table_name": "mails", "database": db})
    texts = ("message_id", "address", "media_format", "state", "reply")
    moments = ("queued_at", "give_up_at", "due_at")
    fields: dict[str, peewee.Field[Any]] = {
        "mail_id": peewee.AutoField(),
        "record_id": peewee.IntegerField(),
        **{name: peewee.TextField() for name in (*texts, *moments)},
        "attempts": peewee.IntegerField(),
        "finished_at": peewee.TextField(null=True),
    }
    mails: Any = type("mails", (peewee.Model,), {**fields, "Meta": meta})
    mails.add_index(mails.index(mails.state, mails.due_at, name="mails_by_state"))
    db.create_tables([mails])
