"""The tables of agents, stations, groups, users, terms, desktops and the audit; see ``tables``."""

from __future__ import annotations

from typing import final

import peewee

from appliance.store.kinds import DocumentField, MomentField


@final
class StationRow(peewee.Model):
    """Which device stands at which station."""

    station_name = peewee.TextField(primary_key=True)
    device_id = peewee.TextField()

    class Meta:
        """Its name in the database."""

        table_name = "stations"


@final
class AgentRow(peewee.Model):
    """One agent; a deleted one stays, with status D."""

    agent_id = peewee.AutoField()
    first_name = peewee.TextField()
    last_name = peewee.TextField()
    employee_id = peewee.TextField(default="")
    sys_user = peewee.TextField(default="")
    sys_domain = peewee.TextField(default="")
    crm_user = peewee.TextField(default="")
    email = peewee.TextField(default="")
    mobile_id = peewee.TextField(default="")
    site_id = peewee.IntegerField(default=-1)
    status = peewee.TextField(default="A")
    allow_self_record = peewee.BooleanField(default=False)
    allow_self_download = peewee.BooleanField(default=False)
    added_at = MomentField()
    modified_at = MomentField()

    class Meta:
        """Its name in the database."""

        table_name = "agents"


@final
class AgentPhoneRow(peewee.Model):
    """Which agent has a phone; a phone has one agent."""

    phone_id = peewee.TextField(primary_key=True)
    agent = peewee.ForeignKeyField(AgentRow, backref="phones", on_delete="CASCADE", index=False)

    class Meta:
        """Its name in the database."""

        table_name = "agent_phones"


@final
class GroupRow(peewee.Model):
    """One permission group; a deleted one stays, so that its number is not given again."""

    group_id = peewee.AutoField()
    name = peewee.TextField()
    added_at = MomentField()
    deleted_at = MomentField(null=True)

    class Meta:
        """Its name in the database."""

        table_name = "groups"


@final
class GroupPhoneRow(peewee.Model):
    """A phone whose calls belong to a group; goes with the phone's agent."""

    group = peewee.ForeignKeyField(GroupRow, on_delete="CASCADE", index=False)
    phone = peewee.ForeignKeyField(AgentPhoneRow, on_delete="CASCADE", index=False)

    class Meta:
        """Its name in the database."""

        table_name = "group_phones"
        primary_key = peewee.CompositeKey("group", "phone")


@final
class UserRow(peewee.Model):
    """One user; a deleted one stays, with status D."""

    user_id = peewee.AutoField()
    user_name = peewee.TextField()
    employee_id = peewee.TextField(default="")
    first_name = peewee.TextField(default="")
    last_name = peewee.TextField(default="")
    agent = peewee.ForeignKeyField(AgentRow, null=True, index=False)
    status = peewee.TextField(default="A")
    sys_user = peewee.TextField(default="")
    sys_domain = peewee.TextField(default="")
    email = peewee.TextField(default="")
    crm_user = peewee.TextField(default="")
    site_id = peewee.IntegerField(default=-1)
    added_at = MomentField()
    modified_at = MomentField()

    class Meta:
        """Its name in the database."""

        table_name = "users"


@final
class UserGroupRow(peewee.Model):
    """A group whose calls a user may see."""

    user = peewee.ForeignKeyField(UserRow, on_delete="CASCADE", index=False)
    group = peewee.ForeignKeyField(GroupRow, on_delete="CASCADE", index=False)

    class Meta:
        """Its name in the database."""

        table_name = "user_groups"
        primary_key = peewee.CompositeKey("user", "group")


@final
class TermRow(peewee.Model):
    """One word of the terminology that somebody has changed or added."""

    name = peewee.TextField(primary_key=True)
    value = peewee.TextField()

    class Meta:
        """Its name in the database."""

        table_name = "terms"


@final
class WindowRow(peewee.Model):
    """What a user's desktop on a computer last reported."""

    computer_name = peewee.TextField()
    user_name = peewee.TextField()
    domain = peewee.TextField()
    ip_address = peewee.TextField()
    status = peewee.TextField()
    application_title = peewee.TextField()
    reported_at = MomentField()

    class Meta:
        """Its name in the database."""

        table_name = "windows"
        primary_key = peewee.CompositeKey("computer_name", "user_name")


@final
class AuditRow(peewee.Model):
    """One thing that somebody did to the box."""

    audit_id = peewee.AutoField()
    noted_at = MomentField()
    port = peewee.TextField()
    peer = peewee.TextField()
    who = peewee.TextField(default="")
    what = peewee.TextField()
    before = DocumentField()
    after = DocumentField()

    class Meta:
        """Its name in the database."""

        table_name = "audit"


AgentPhoneRow.add_index(AgentPhoneRow.index(AgentPhoneRow.agent, name="agent_phones_by_agent_id"))
StationRow.add_index(StationRow.index(peewee.fn.LOWER(StationRow.device_id), name="stations_by_device_id"))
GroupPhoneRow.add_index(GroupPhoneRow.index(GroupPhoneRow.phone, name="group_phones_by_phone_id"))
AuditRow.add_index(AuditRow.index(AuditRow.noted_at, name="audit_by_noted_at"))
