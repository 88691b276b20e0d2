"""Groups, users, terms, reports of desktops, and the audit. A frozen copy: it imports nothing of ours."""

from __future__ import annotations

from typing import Any

import peewee


def up(migrator: Any, db: peewee.Database) -> None:
    """Make the tables; called in a transaction."""
    del migrator
    groups = _groups(db)
    _users(db, groups)
    texts = ("computer_name", "user_name", "domain", "ip_address", "status", "application_title", "reported_at")
    windows = {name: peewee.TextField() for name in texts}
    _table(db, "windows", **windows, key=peewee.CompositeKey("computer_name", "user_name"))
    _table(db, "terms", name=peewee.TextField(primary_key=True), value=peewee.TextField())
    _audit(db)


def _groups(db: peewee.Database) -> Any:
    groups = _table(
        db,
        "groups",
        group_id=peewee.AutoField(),
        name=peewee.TextField(),
        added_at=peewee.TextField(),
        deleted_at=peewee.TextField(null=True),
    )
    phones = _bare(db, "agent_phones", phone_id=peewee.TextField(primary_key=True))
    group = peewee.ForeignKeyField(groups, column_name="group_id", on_delete="CASCADE", index=False)
    phone = peewee.ForeignKeyField(phones, column_name="phone_id", on_delete="CASCADE", index=False)
    assigned = _table(db, "group_phones", group=group, phone=phone, key=peewee.CompositeKey("group", "phone"))
    _index(assigned, assigned.phone, name="group_phones_by_phone_id")
    return groups


def _users(db: peewee.Database, groups: Any) -> None:
    agents = _bare(db, "agents", agent_id=peewee.AutoField())
    texts = ("user_name", "employee_id", "first_name", "last_name", "sys_user", "sys_domain", "email", "crm_user")
    users = _table(
        db,
        "users",
        user_id=peewee.AutoField(),
        **{name: peewee.TextField() for name in (*texts, "status", "added_at", "modified_at")},
        agent=peewee.ForeignKeyField(agents, column_name="agent_id", null=True, index=False),
        site_id=peewee.IntegerField(),
    )
    user = peewee.ForeignKeyField(users, column_name="user_id", on_delete="CASCADE", index=False)
    group = peewee.ForeignKeyField(groups, column_name="group_id", on_delete="CASCADE", index=False)
    _table(db, "user_groups", user=user, group=group, key=peewee.CompositeKey("user", "group"))


def _audit(db: peewee.Database) -> None:
    audit = _table(
        db,
        "audit",
        audit_id=peewee.AutoField(),
        **{name: peewee.TextField() for name in ("noted_at", "port", "peer", "what", "before", "after")},
    )
    _index(audit, audit.noted_at, name="audit_by_noted_at")


def _table(db: peewee.Database, name: str, /, *, key: Any = None, **fields: peewee.Field[Any]) -> Any:
    model = _bare(db, name, key=key, **fields)
    db.create_tables([model])
    return model


def _bare(db: peewee.Database, name: str, /, *, key: Any = None, **fields: peewee.Field[Any]) -> Any:
    terms = {"table_name": name, "database": db} | ({} if key is None else {"primary_key": key})
    return type(name, (peewee.Model,), {**fields, "Meta": type("Meta", (), terms)})


def _index(row: Any, *columns: Any, name: str) -> None:
    row._meta.database.execute(row.index(*columns, name=name))  # noqa: SLF001 - its documented name
