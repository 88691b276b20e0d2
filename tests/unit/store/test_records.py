"""Look-ups, changes, and that nothing of a recording is lost in a row."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from typing import Any

import peewee
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import clock
from appliance.calls.fields import USER_FIELDS, CallFields
from appliance.errors import ValueInvalidError
from appliance.recording.facts import Recording
from appliance.store import rows, schema
from appliance.store.store import Store
from appliance.store.tables import RecordingRow

Make = Callable[..., Recording]

LATER_NAMES = [
    "agent_id",
    "ani",
    "archive_action_id",
    "audio_hash",
    "audio_size",
    "calldirection",
    "callid",
    "channel",
    "device_alias",
    "device_id",
    "dnis",
    "duration",
    "filename",
    "filename_video",
    "gate",
    "globalid",
    "ident",
    "keepdays",
    "locked",
    "listenedto",
    "medialabel",
    "overridden",
    "priority",
    "recording_time",
    "recording_type",
    "screen_capture",
    "sgroup",
    "video_hash",
    "video_size",
    "wrap_duration",
] + [f"user{n}" for n in range(1, 16)]
API_NAMES = [
    "RECORDID",
    "GLOBALCALLID",
    "DEVICEID",
    "DEVICEALIAS",
    "STATIONNAME",
    "SYS_USER",
    "CRM_USER",
    "CALLINSTANCE",
    "GROUP",
    "GATE",
    "ANI",
    "DNIS",
    "CALLID",
    "PRIORITY",
    "CALLDIRECTION",
    "MAXRECORDSILENCE",
    "MAXRECORDTIME",
    "AGENTINITIATED",
    "CTIINITIATED",
    "ARCHIVEACTION",
    "KEEPDAYS",
    "KEEP_DAYS",
    "DIALTOMONITOR",
    "OVERRIDEDISKLOCATION",
    "CALLDISCRIMINATOR",
    "ISTRUNK",
    "STATION",
    "STARTTIME",
    "STOPTIME",
    "COREIDENT",
    "ISRECORDING",
    "ISRECORDINGVIDEO",
    "FILENAME",
    "SESSIONID",
    "AGENTID",
]


def test_every_name_of_the_contract_is_a_column(store: Store) -> None:
    missing = {name.lower() for name in [*LATER_NAMES, *API_NAMES]} - store.records.columns()
    assert missing == set()


DESCRIBED = {
    **{name: f"value of {name}" for name in USER_FIELDS},
    "agent_id": "77",
    "ani": "5551234",
    "dnis": "800",
    "gate": "G1",
    "group": "Sales & Co",
    "call_id": "c@example",
    "call_direction": "O",
    "device_alias": "DESK9",
    "station": "PC-9",
    "sys_user": "jdoe",
    "crm_user": "John.Doe",
    "session_id": "s9",
    "max_record_time_s": 60,
    "max_record_silence_s": 5,
    "agent_initiated": True,
    "cti_initiated": True,
    "dial_to_monitor": "9",
    "override_disk_location": "D:",
}
LOOKED_UP: dict[str, str] = {
    **{name: f"VALUE of {name}" for name in USER_FIELDS},
    "agent_id": "77",
    "agentid": "77",
    "ani": "5551234",
    "dnis": "800",
    "gate": "g1",
    "sgroup": "sales & CO",
    "group": "Sales & Co",
    "callid": "C@example",
    "calldirection": "o",
    "device_alias": "desk9",
    "devicealias": "DESK9",
    "station": "pc-9",
    "stationname": "PC-9",
    "sys_user": "JDOE",
    "crm_user": "john.doe",
    "sessionid": "S9",
    "maxrecordtime": " 60 ",
    "maxrecordsilence": "05",
    "agentinitiated": "Y",
    "ctiinitiated": "y",
    "dialtomonitor": "9",
    "overridedisklocation": "d:",
    "ident": "2",
    "recordid": "0002",
    "globalid": "000100000000002",
    "globalcallid": "000100000000002",
    "audio_hash": f"{2:064X}",
    "audio_size": "1234",
    "channel": "7",
    "keepdays": "90",
    "keep_days": "90.0",
    "archiveaction": "4",
    "archive_action_id": "4",
    "priority": "80",
    "duration": "33.2",
    "recording_type": "api initiated",
    "filename": "/rec/other.wav",
    "device_id": "6000",
    "deviceid": "6000",
    "callinstance": "b",
    "calldiscriminator": "B",
    "coreident": "2",
}


@pytest.mark.parametrize("name", sorted(LOOKED_UP))
async def test_record_is_found_by_each_name_and_by_no_other_value(
    store: Store, make_recording: Make, name: str
) -> None:
    wanted = make_recording(
        2,
        fields=DESCRIBED,
        audio_size=1234,
        channel=7,
        keep_days=90,
        archive_action=4,
        priority=80,
        core_id=2,
        duration_s=33.24,
        recording_type="API Initiated",
        filename="/rec/other.wav",
        device_id="6000",
        call_instance="B",
    )
    await store.records.save_all([make_recording(1), wanted, make_recording(3)])
    assert await store.records.find_newest(name.upper(), LOOKED_UP[name]) == wanted
    assert await store.records.find_newest(name, "nothing like it") is None


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("isrecording", "N", True),
        ("isrecording", "Y", False),
        ("istrunk", "N", True),
        ("istrunk", "Y", False),
        ("locked", "maybe", False),
        ("listenedto", "0", True),
        ("video_size", "0", True),
        ("screen_capture", "N", True),
        ("medialabel", "", True),
        ("ident", "99999999999999999999999999", False),
        ("ident", "1e999999999", False),
        ("ident", "NaN", False),
        ("ident", "1.5", False),
        ("duration", "12.5", True),
        ("duration", "12.50", True),
        ("duration", "12.51", False),
        ("duration", "12", False),
        ("duration", "13", True),  # half is rounded up
        ("duration", "14", False),
        ("filename", "/REC/20260304/DESK1/DESK1-1.wav", False),
    ],
)
async def test_values_compare_sensibly(store: Store, make_recording: Make, name: str, value: str, found: bool) -> None:  # noqa: FBT001
    recording = make_recording(1)
    await store.records.save(recording)
    assert await store.records.find_newest(name, value) == (recording if found else None)


async def test_moment_is_found_in_every_form_of_the_wire(store: Store, make_recording: Make) -> None:
    recording = make_recording(1)
    await store.records.save(recording)
    local = clock.local(recording.started_at)
    forms = ["%Y-%m-%d %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%b %d %Y %I:%M%p", "%Y-%m-%d", "%m/%d/%Y"]
    for text in [local.strftime(form) for form in forms] + [recording.started_at.isoformat()]:
        assert await store.records.find_newest("recording_time", text) == recording, text
    later = local + dt.timedelta(seconds=1)
    assert await store.records.find_newest("recording_time", later.strftime(forms[0])) is None
    assert await store.records.find_newest("recording_time", "yesterday") is None
    assert await store.records.find_newest("starttime", "9999-12-31") is None
    assert await store.records.find_newest("stoptime", recording.stopped_at.isoformat()) == recording


async def test_newest_counts_by_begin_and_then_by_id(store: Store, make_recording: Make) -> None:
    late = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
    for recording in (make_recording(5), make_recording(3, started_at=late), make_recording(4, started_at=late)):
        await store.records.save(recording)
    found = await store.records.find_newest("ani", "5551000")
    assert found is not None
    assert found.record_id == 4
    assert await store.records.last_of_device("5003") == 4
    assert await store.records.last_of_device("none") is None
    assert await store.records.last_of_device("") is None


async def test_unknown_name_is_refused(store: Store) -> None:
    with pytest.raises(ValueInvalidError):
        await store.records.find_newest("filename; drop table recordings", "x")


async def test_look_ups_use_an_index(store: Store, make_recording: Make) -> None:
    await store.records.save(make_recording(1))

    def plan(database: Any) -> str:
        query = (
            "EXPLAIN QUERY PLAN SELECT * FROM recordings WHERE LOWER(device_id) = LOWER(?)"
            " ORDER BY started_at DESC, record_id DESC LIMIT 1"
        )
        return str(database.execute_sql(query, ("5003",)).fetchall())

    told = await store._database.read(plan)
    assert "recordings_by_device_id" in told
    assert "TEMP B-TREE" not in told


async def test_changes_reach_the_record(store: Store, make_recording: Make) -> None:
    await store.records.save(make_recording(1))
    changes = {
        "user3": "gold",
        "group": "B",
        "device_id": "7",
        "device_alias": "X",
        "keep_days": 3650,
        "priority": None,
    }
    assert await store.records.update(1, changes)
    found = await store.records.by_id(1)
    assert found is not None
    assert (found.fields.user3, found.fields.group, found.device_id, found.fields.device_alias) == (
        "gold",
        "B",
        "7",
        "X",
    )
    assert (found.keep_days, found.fields.keep_days, found.priority) == (3650, 3650, 50)
    assert found.fields.ani == "5551000"


async def test_change_of_an_unknown_record_or_field(store: Store, make_recording: Make) -> None:
    assert not await store.records.update(9, {"user1": "x"})
    assert not await store.records.update(9, {})
    await store.records.save(make_recording(1))
    assert await store.records.update(1, {})
    with pytest.raises(KeyError):
        await store.records.update(1, {"filename": "/etc/passwd"})


async def test_record_told_again_keeps_what_clients_wrote(store: Store, make_recording: Make) -> None:
    await store.records.save(make_recording(1))
    await store.records.update(1, {"user1": "kept"})
    await store.records.save(make_recording(1, audio_hash="new", interrupted=True))
    found = await store.records.by_id(1)
    assert found is not None
    assert (found.fields.user1, found.audio_hash, found.interrupted) == ("kept", "new", True)
    assert await store.records.count() == 1


@pytest.fixture(scope="session")
def memory() -> Iterator[peewee.SqliteDatabase]:
    database = peewee.SqliteDatabase(":memory:")
    with database.connection_context():
        schema.migrate(database)
        yield database


@pytest.mark.parametrize(("zone", "offset_s"), [("UTC", 0), ("Asia/Kolkata", 19800), ("EST5EDT", -18000)])
def test_row_keeps_the_offset_of_the_box(
    monkeypatch: pytest.MonkeyPatch, make_recording: Make, zone: str, offset_s: int
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        row = rows.row_of(make_recording(1))
    time.tzset()
    assert row["utc_offset_s"] == offset_s


_TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
_MOMENTS = st.datetimes(dt.datetime(1980, 1, 1), dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001


@given(
    fields=st.fixed_dictionaries(
        {name: _TEXTS for name, field in CallFields.model_fields.items() if field.annotation is str}
    ),
    moments=st.tuples(_MOMENTS, _MOMENTS, _MOMENTS),
    measured=st.dictionaries(
        _TEXTS, st.one_of(_TEXTS, st.integers(), st.booleans(), st.lists(_TEXTS, max_size=2)), max_size=3
    ),
)
def test_row_holds_the_whole_recording(
    memory: peewee.SqliteDatabase,
    make_recording: Make,
    fields: dict[str, str],
    moments: tuple[dt.datetime, ...],
    measured: dict[str, Any],
) -> None:
    recording = make_recording(
        7, fields=fields, call_started_at=moments[0], started_at=moments[1], stopped_at=moments[2], measured=measured
    )
    RecordingRow.delete().execute(memory)
    RecordingRow.insert(rows.row_of(recording)).execute(memory)
    (row,) = RecordingRow.select().dicts().execute(memory)
    assert rows.recording_of(row) == recording
