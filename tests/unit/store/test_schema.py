"""Migrations: from nothing and from every older version to the tables of today."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import peewee
import pytest
from playhouse.schema_diff import diff_models

from appliance.errors import DatabaseError
from appliance.store import schema
from appliance.store.tables import TABLES

VERSIONS = sorted(path.stem for path in schema.MIGRATIONS.glob("[0-9]*.py"))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[peewee.SqliteDatabase]:
    opened = peewee.SqliteDatabase(str(tmp_path / "x.db"), pragmas={"foreign_keys": 1})
    opened.connect()
    yield opened
    opened.close()


def _described(database: peewee.Database) -> dict[str, list[tuple[str, str, bool, bool]]]:
    return {
        table: sorted((c.name, c.data_type, c.null, c.primary_key) for c in database.get_columns(table))
        for table in database.get_tables()
        if table != "schema_migration"
    }


@pytest.mark.parametrize("count", range(len(VERSIONS) + 1))
def test_every_older_version_comes_to_the_tables_of_today(
    database: peewee.SqliteDatabase, tmp_path: Path, count: int
) -> None:
    older = tmp_path / "older"
    older.mkdir()
    for name in VERSIONS[:count]:
        shutil.copy(schema.MIGRATIONS / f"{name}.py", older)
    schema.migrate(database, older)
    assert schema.migrate(database) == VERSIONS[count:]
    assert not diff_models(database, list(TABLES)), "tables.py says something else than the migrations"
    fresh = peewee.SqliteDatabase(":memory:")
    with fresh.connection_context(), fresh.bind_ctx(TABLES):
        fresh.create_tables(TABLES)
        assert _described(database) == _described(fresh)
    assert schema.migrate(database) == []


def test_failing_migration_leaves_nothing_behind(database: peewee.SqliteDatabase, tmp_path: Path) -> None:
    folder = tmp_path / "next"
    shutil.copytree(schema.MIGRATIONS, folder)
    (folder / "9999_broken.py").write_text(
        "def up(migrator, db):\n    db.execute_sql('create table half (x int)')\n    db.execute_sql('nonsense')\n"
    )
    with pytest.raises(peewee.PeeweeException):
        schema.migrate(database, folder)
    assert "recordings" in database.get_tables()
    assert "half" not in database.get_tables()
    assert schema.migrate(database) == []


def test_database_of_a_newer_release_is_refused(database: peewee.SqliteDatabase, tmp_path: Path) -> None:
    folder = tmp_path / "next"
    shutil.copytree(schema.MIGRATIONS, folder)
    (folder / "9999_later.py").write_text("def up(migrator, db):\n    pass\n")
    assert "9999_later" in schema.migrate(database, folder)
    with pytest.raises(DatabaseError, match="9999_later"):
        schema.migrate(database)
