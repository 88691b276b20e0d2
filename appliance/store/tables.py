"""The tables as they are now. A new column is one field here and one numbered file in ``migrations``.

The models are bound to no database: every query is executed on the one that the store opened, so that a process may
have two stores open.
"""

from __future__ import annotations

from typing import final

import peewee

from appliance.store.kinds import DocumentField, MomentField
from appliance.store.registry_tables import (
    AgentPhoneRow,
    AgentRow,
    AuditRow,
    GroupPhoneRow,
    GroupRow,
    StationRow,
    TermRow,
    UserGroupRow,
    UserRow,
    WindowRow,
)


class _Described(peewee.Model):
    """Descriptive fields of a call, as its last CALLUPDATE left them; names as in CallFields but for ``group``."""

    device_alias = peewee.TextField(default="")
    sys_user = peewee.TextField(default="")
    crm_user = peewee.TextField(default="")
    station = peewee.TextField(default="")
    sgroup = peewee.TextField(default="")  # GROUP is a word of SQL
    gate = peewee.TextField(default="")
    ani = peewee.TextField(default="")
    dnis = peewee.TextField(default="")
    user1 = peewee.TextField(default="")
    user2 = peewee.TextField(default="")
    user3 = peewee.TextField(default="")
    user4 = peewee.TextField(default="")
    user5 = peewee.TextField(default="")
    user6 = peewee.TextField(default="")
    user7 = peewee.TextField(default="")
    user8 = peewee.TextField(default="")
    user9 = peewee.TextField(default="")
    user10 = peewee.TextField(default="")
    user11 = peewee.TextField(default="")
    user12 = peewee.TextField(default="")
    user13 = peewee.TextField(default="")
    user14 = peewee.TextField(default="")
    user15 = peewee.TextField(default="")
    call_id = peewee.TextField(default="")
    call_direction = peewee.TextField(default="I")
    agent_id = peewee.TextField(default="")
    session_id = peewee.TextField(default="")
    asked_keep_days = peewee.IntegerField(default=-1)
    asked_archive_action = peewee.IntegerField(default=-1)
    asked_priority = peewee.IntegerField(null=True)
    max_record_time_s = peewee.IntegerField(null=True)
    max_record_silence_s = peewee.IntegerField(null=True)
    agent_initiated = peewee.BooleanField(default=False)
    cti_initiated = peewee.BooleanField(default=False)
    dial_to_monitor = peewee.TextField(default="")
    override_disk_location = peewee.TextField(default="")


@final
class RecordingRow(_Described):
    """One finished recording. ``asked_*`` is what the call's data said, ``keep_days`` and so on what holds."""

    record_id = peewee.IntegerField(primary_key=True)
    format = peewee.IntegerField()
    global_call_id = peewee.TextField()
    core_id = peewee.IntegerField()
    channel = peewee.IntegerField()
    tap = peewee.TextField()
    line = peewee.TextField()
    session = peewee.TextField()
    device_id = peewee.TextField()
    call_instance = peewee.TextField()
    keep_days = peewee.IntegerField()
    archive_action = peewee.IntegerField()
    priority = peewee.IntegerField()
    schedule = peewee.TextField()
    recording_type = peewee.TextField()
    call_started_at = MomentField()
    started_at = MomentField()
    stopped_at = MomentField()
    utc_offset_s = peewee.IntegerField()  # the box's local time when it began
    filename = peewee.TextField()
    encoding = peewee.TextField()
    rate_hz = peewee.IntegerField()
    channels = peewee.IntegerField()
    frames = peewee.BigIntegerField()
    duration_s = peewee.DoubleField()
    audio_size = peewee.BigIntegerField()
    audio_hash = peewee.TextField()
    legs = DocumentField()
    gaps = DocumentField()
    blackouts = DocumentField()
    interrupted = peewee.BooleanField()
    end_reason = peewee.TextField()
    measured = DocumentField()
    # Facts that later parts of the box fill; they stand here because clients may look records up by them.
    is_trunk = peewee.BooleanField(default=False)
    locked = peewee.BooleanField(default=False)
    overridden = peewee.BooleanField(default=False)
    listened_to = peewee.IntegerField(default=0)
    media_label = peewee.TextField(default="")
    screen_capture = peewee.BooleanField(default=False)
    filename_video = peewee.TextField(default="")
    video_hash = peewee.TextField(default="")
    video_size = peewee.BigIntegerField(default=0)
    wrap_duration_s = peewee.DoubleField(default=0)

    class Meta:
        """Its name in the database."""

        table_name = "recordings"


@final
class CallRow(peewee.Model):
    """One call that was told to the box, recorded or not."""

    global_call_id = peewee.TextField(primary_key=True)
    core_id = peewee.IntegerField()
    device_id = peewee.TextField()
    call_instance = peewee.TextField()
    started_at = MomentField()
    stopped_at = MomentField(null=True)
    outcome = peewee.TextField()
    reason = peewee.TextField()
    record_id = peewee.IntegerField(null=True)
    fields = DocumentField()

    class Meta:
        """Its name in the database."""

        table_name = "calls"


@final
class DeviceRow(peewee.Model):
    """One device ever seen, and its last call's data."""

    device_id = peewee.TextField(primary_key=True)
    is_trunk = peewee.BooleanField()
    first_seen_at = MomentField()
    last_seen_at = MomentField()
    call_instance = peewee.TextField()
    call_started_at = MomentField(null=True)
    call_stopped_at = MomentField(null=True)
    filename = peewee.TextField()
    fields = DocumentField()

    class Meta:
        """Its name in the database."""

        table_name = "devices"


@final
class MailRow(peewee.Model):
    """One recording to one mail address, queued or done with."""

    mail_id = peewee.AutoField()
    message_id = peewee.TextField()
    record_id = peewee.IntegerField()
    address = peewee.TextField()
    media_format = peewee.TextField()
    state = peewee.TextField()
    attempts = peewee.IntegerField()
    queued_at = MomentField()
    due_at = MomentField()
    give_up_at = MomentField()
    finished_at = MomentField(null=True)
    reply = peewee.TextField()

    class Meta:
        """Its name in the database."""

        table_name = "mails"


@final
class ScheduleRow(peewee.Model):
    """One schedule that was added beside those of the settings file, in the order of creation."""

    schedule_id = peewee.AutoField()
    name = peewee.TextField()
    settings = DocumentField()
    added_at = MomentField()
    modified_at = MomentField()

    class Meta:
        """Its name in the database."""

        table_name = "schedules"


LOOKED_UP: tuple[str, ...] = (
    "device_id",
    "device_alias",
    "global_call_id",
    "call_id",
    "call_instance",
    "session_id",
    "agent_id",
    "ani",
    "dnis",
    "user1",
    "user2",
    "user3",
)
"""Columns of recordings with an index of their own, in the order in which the newest is sought."""

for _name in LOOKED_UP:
    RecordingRow.add_index(
        RecordingRow.index(
            peewee.fn.LOWER(getattr(RecordingRow, _name)),
            RecordingRow.started_at,
            RecordingRow.record_id,
            name=f"recordings_by_{_name}",
        )
    )
RecordingRow.add_index(RecordingRow.index(RecordingRow.filename, name="recordings_by_filename"))
RecordingRow.add_index(
    RecordingRow.index(RecordingRow.started_at, RecordingRow.record_id, name="recordings_by_started_at")
)
CallRow.add_index(CallRow.index(CallRow.started_at, name="calls_by_started_at"))
MailRow.add_index(MailRow.index(MailRow.state, MailRow.due_at, name="mails_by_state"))
ScheduleRow.add_index(ScheduleRow.index(peewee.fn.LOWER(ScheduleRow.name), name="schedules_by_name", unique=True))

TABLES: tuple[type[peewee.Model], ...] = (
    RecordingRow,
    CallRow,
    DeviceRow,
    StationRow,
    AgentRow,
    AgentPhoneRow,
    MailRow,
    GroupRow,
    GroupPhoneRow,
    UserRow,
    UserGroupRow,
    TermRow,
    WindowRow,
    AuditRow,
    ScheduleRow,
)
