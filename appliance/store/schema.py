"""Bring a database to the tables of today: the numbered files of ``migrations``, each in a transaction of its own."""

from __future__ import annotations

import logging
from pathlib import Path

import peewee
from playhouse.migrations import MigrationError, Runner

from appliance.errors import DatabaseError

logger = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(database: peewee.Database, directory: Path = MIGRATIONS) -> list[str]:
    """Apply what is missing and give the names of it; on an open connection of the calling thread.

    A file that fails leaves nothing behind. Raises peewee's errors, and DatabaseError where the database was made
    by a newer release, whose tables this one does not know.
    """
    runner = Runner(database, str(directory))
    unknown = [migration.name for migration in runner.status() if migration.path is None]
    if unknown:
        raise DatabaseError(f"the database was made by a newer release: {', '.join(unknown)}")
    try:
        applied: list[str] = runner.up()
    except MigrationError as error:
        raise DatabaseError(f"the database cannot be brought up to date: {error}") from error
    if applied:
        logger.info("database brought up to date: %s", ", ".join(applied))
    return applied
