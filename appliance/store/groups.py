"""Permission groups: the phones whose calls belong to a group, and the users who may see them.

Names count without regard to letter case. A deleted group keeps its number, which is not given again.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, final

import peewee
import pydantic

from appliance.store.database import Database
from appliance.store.registry_tables import GroupPhoneRow, GroupRow, UserGroupRow, UserRow


@final
class Group(pydantic.BaseModel):
    """One group, with its phones and the names of its users in alphabetical order."""

    model_config = pydantic.ConfigDict(frozen=True)

    group_id: int
    name: str
    added_at: dt.datetime
    phones: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


@final
class Groups:
    """The groups. Every coroutine raises DatabaseError when the database could not do it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[Group]:
        """Give every group that is not deleted, by id."""
        return await self._find(GroupRow.deleted_at.is_null())

    async def by_id(self, group_id: int) -> Group | None:
        """Give the group of that id, unless it is deleted."""
        found = await self._find(_present(group_id))
        return found[0] if found else None

    async def by_name(self, name: str) -> Group | None:
        """Give the group of that name."""
        found = await self._find(_named(name))
        return found[0] if found else None

    async def add(self, name: str, at: dt.datetime) -> tuple[int, bool]:
        """Add a group; give the id, and False where one of that name is there already and nothing was changed."""
        return await self._database.write(lambda database: _add(database, name, at))

    async def rename(self, group_id: int, name: str) -> bool:
        """Give the group another name; False if another group has it, or there is no such group."""
        return await self._database.write(lambda database: _rename(database, group_id, name))

    async def delete(self, group_id: int, at: dt.datetime) -> bool:
        """Delete the group with everything that was assigned to it; False if there is no such group."""
        return await self._database.write(lambda database: _delete(database, group_id, at))

    async def assign_phone(self, group_id: int, phone_id: str) -> bool:
        """Put an agent's phone into the group; False if it is there already.

        Raises DatabaseError for a phone that no agent has, or a group that is not there.
        """
        return await self._insert(GroupPhoneRow, group=group_id, phone=phone_id)

    async def release_phone(self, group_id: int, phone_id: str) -> bool:
        """Take a phone out of the group; False if it was not there."""
        return await self._delete((GroupPhoneRow.group == group_id) & (GroupPhoneRow.phone == phone_id), GroupPhoneRow)

    async def assign_user(self, group_id: int, user_id: int) -> bool:
        """Let a user see the group's calls; False if that was so.

        Raises DatabaseError for a user or a group that is not there.
        """
        return await self._insert(UserGroupRow, group=group_id, user=user_id)

    async def release_user(self, group_id: int, user_id: int) -> bool:
        """No longer let a user see the group's calls; False if that was so."""
        return await self._delete((UserGroupRow.group == group_id) & (UserGroupRow.user == user_id), UserGroupRow)

    async def _find(self, condition: Any) -> list[Group]:
        return await self._database.read(lambda database: _find(database, condition))

    async def _insert(self, row: type[GroupPhoneRow | UserGroupRow], **keys: int | str) -> bool:
        query = row.insert(keys).on_conflict_ignore()
        return await self._database.write(lambda database: bool(query.as_rowcount().execute(database)))

    async def _delete(self, condition: Any, row: type[GroupPhoneRow | UserGroupRow]) -> bool:
        query = row.delete().where(condition)
        return await self._database.write(lambda database: bool(query.execute(database)))


def _named(name: str) -> Any:
    return (peewee.fn.LOWER(GroupRow.name) == peewee.fn.LOWER(name)) & GroupRow.deleted_at.is_null()


def _present(group_id: int) -> Any:
    return (GroupRow.group_id == group_id) & GroupRow.deleted_at.is_null()


def _find(database: peewee.Database, condition: Any) -> list[Group]:
    found = list(GroupRow.select().where(condition).order_by(GroupRow.group_id).dicts().execute(database))
    ids = [row["group_id"] for row in found]
    phones = GroupPhoneRow.select(GroupPhoneRow.group, GroupPhoneRow.phone).where(GroupPhoneRow.group.in_(ids))
    users = UserGroupRow.select(UserGroupRow.group, UserRow.user_name).join(UserRow).where(UserGroupRow.group.in_(ids))
    of_group = {
        "phones": _by_group(database, phones.order_by(GroupPhoneRow.phone)),
        "users": _by_group(database, users.order_by(UserRow.user_name)),
    }
    return [
        Group.model_validate(row | {kind: names.get(row["group_id"], ()) for kind, names in of_group.items()})
        for row in found
    ]


def _by_group(database: peewee.Database, query: Any) -> dict[int, list[str]]:
    names: dict[int, list[str]] = {}
    for group_id, name in query.tuples().execute(database):
        names.setdefault(group_id, []).append(name)
    return names


def _add(database: peewee.Database, name: str, at: dt.datetime) -> tuple[int, bool]:
    there: list[tuple[int]] = list(GroupRow.select(GroupRow.group_id).where(_named(name)).tuples().execute(database))
    if there:
        return there[0][0], False
    return int(GroupRow.insert(name=name, added_at=at).execute(database)), True


def _rename(database: peewee.Database, group_id: int, name: str) -> bool:
    if GroupRow.select().where(_named(name) & (GroupRow.group_id != group_id)).exists(database):
        return False
    return bool(GroupRow.update(name=name).where(_present(group_id)).execute(database))


def _delete(database: peewee.Database, group_id: int, at: dt.datetime) -> bool:
    for row in (GroupPhoneRow, UserGroupRow):
        row.delete().where(row.group == group_id).execute(database)
    return bool(GroupRow.update(deleted_at=at).where(_present(group_id)).execute(database))
