"""Schedules beside those of the settings file. A frozen copy: it imports nothing of ours."""

from __future__ import annotations

from typing import Any

import peewee


def up(migrator: Any, db: peewee.Database) -> None:
    """Make the table; called in a transaction."""
    del migrator
    meta = type("Meta", (), {"table_name": "schedules", "database": db})
    fields: dict[str, peewee.Field[Any]] = {
        "schedule_id": peewee.AutoField(),
        **{name: peewee.TextField() for name in ("name", "settings", "added_at", "modified_at")},
    }
    schedules: Any = type("schedules", (peewee.Model,), {**fields, "Meta": meta})
    schedules.add_index(schedules.index(peewee.fn.LOWER(schedules.name), name="schedules_by_name", unique=True))
    db.create_tables([schedules])
