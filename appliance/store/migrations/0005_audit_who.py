"""Whom a client of the audit proved to be. A frozen copy: it imports nothing of ours."""

from __future__ import annotations

from typing import Any

import peewee


def up(migrator: Any, db: peewee.Database) -> None:
    """Add the column; called in a transaction."""
    del db
    migrator.migrate(migrator.add_column("audit", "who", peewee.TextField(default="")))
