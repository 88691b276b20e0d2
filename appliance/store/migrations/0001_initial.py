"""The first tables. A frozen copy: it imports nothing of ours, so that it makes the same tables for ever."""

from __future__ import annotations

from typing import Any

import peewee

_CALL_TEXTS = (
    *("device_alias", "sys_user", "crm_user", "station", "sgroup", "gate", "ani", "dnis"),
    *(f"user{n}" for n in range(1, 16)),
    *("call_id", "call_direction", "agent_id", "session_id"),
)
_RECORDING_TEXTS = (
    *("global_call_id", "tap", "line", "session", "device_id", "call_instance", "schedule", "recording_type"),
    *("call_started_at", "started_at", "stopped_at", "filename", "encoding", "audio_hash", "legs", "gaps"),
    *("blackouts", "end_reason", "measured", "media_label", "filename_video", "video_hash"),
    *("dial_to_monitor", "override_disk_location"),
)
_RECORDING_NUMBERS = (
    *("asked_keep_days", "asked_archive_action", "format", "core_id", "channel", "keep_days", "archive_action"),
    *("priority", "utc_offset_s", "rate_hz", "channels", "listened_to"),
)
_RECORDING_FLAGS = (
    *("agent_initiated", "cti_initiated", "interrupted", "is_trunk", "locked", "overridden", "screen_capture"),
)
_LOOKED_UP = (
    *("device_id", "device_alias", "global_call_id", "call_id", "call_instance", "session_id", "agent_id"),
    *("ani", "dnis", "user1", "user2", "user3"),
)


def up(migrator: Any, db: peewee.Database) -> None:
    """Make every table; called in a transaction."""
    del migrator
    _recordings(db)
    _calls_and_devices(db)
    _people(db)


def _recordings(db: peewee.Database) -> None:
    row = _table(
        db,
        "recordings",
        record_id=peewee.IntegerField(primary_key=True),
        **{name: peewee.TextField() for name in _CALL_TEXTS + _RECORDING_TEXTS},
        **{name: peewee.IntegerField() for name in _RECORDING_NUMBERS},
        **{name: peewee.IntegerField(null=True) for name in ("asked_priority", "max_record_time_s")},
        **{name: peewee.BigIntegerField() for name in ("frames", "audio_size", "video_size")},
        **{name: peewee.DoubleField() for name in ("duration_s", "wrap_duration_s")},
        **{name: peewee.BooleanField() for name in _RECORDING_FLAGS},
        max_record_silence_s=peewee.IntegerField(null=True),
    )
    newest = (row.started_at, row.record_id)
    for name in _LOOKED_UP:
        text = peewee.fn.LOWER(getattr(row, name))
        _index(row, text, *newest, name=f"recordings_by_{name}")
    _index(row, row.filename, name="recordings_by_filename")
    _index(row, *newest, name="recordings_by_started_at")


def _calls_and_devices(db: peewee.Database) -> None:
    calls = _table(
        db,
        "calls",
        global_call_id=peewee.TextField(primary_key=True),
        **{name: peewee.TextField() for name in ("device_id", "call_instance", "started_at")},
        **{name: peewee.TextField() for name in ("outcome", "reason", "fields")},
        stopped_at=peewee.TextField(null=True),
        core_id=peewee.IntegerField(),
        record_id=peewee.IntegerField(null=True),
    )
    _index(calls, calls.started_at, name="calls_by_started_at")
    _table(
        db,
        "devices",
        device_id=peewee.TextField(primary_key=True),
        **{name: peewee.TextField() for name in ("first_seen_at", "last_seen_at", "call_instance", "filename")},
        **{name: peewee.TextField(null=True) for name in ("call_started_at", "call_stopped_at")},
        is_trunk=peewee.BooleanField(),
        fields=peewee.TextField(),
    )


def _people(db: peewee.Database) -> None:
    stations = _table(db, "stations", station_name=peewee.TextField(primary_key=True), device_id=peewee.TextField())
    _index(stations, peewee.fn.LOWER(stations.device_id), name="stations_by_device_id")
    texts = ("first_name", "last_name", "employee_id", "sys_user", "sys_domain", "crm_user", "email", "mobile_id")
    agents = _table(
        db,
        "agents",
        agent_id=peewee.AutoField(),
        **{name: peewee.TextField() for name in (*texts, "status", "added_at", "modified_at")},
        **{name: peewee.BooleanField() for name in ("allow_self_record", "allow_self_download")},
        site_id=peewee.IntegerField(),
    )
    agent = peewee.ForeignKeyField(agents, column_name="agent_id", on_delete="CASCADE", index=False)
    phones = _table(db, "agent_phones", phone_id=peewee.TextField(primary_key=True), agent=agent)
    _index(phones, phones.agent, name="agent_phones_by_agent_id")


def _table(db: peewee.Database, name: str, **fields: peewee.Field[Any]) -> Any:
    meta = type("Meta", (), {"table_name": name, "database": db})
    model = type(name, (peewee.Model,), {**fields, "Meta": meta})
    db.create_tables([model])
    return model


def _index(row: Any, *columns: Any, name: str) -> None:
    row._meta.database.execute(row.index(*columns, name=name))  # noqa: SLF001 - its documented name
