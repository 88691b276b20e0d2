"""Notes of the writer become rows once, and none is lost."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.errors import DatabaseError
from appliance.recording.facts import Recording
from appliance.store.inbox import NoteBadError, NoteWaitsError
from appliance.store.store import Store

Make = Callable[..., Recording]


def _note(store: Store, recording: Recording, folder: Path) -> Path:
    sidecar = folder / f"sidecar-{recording.record_id}.json"
    sidecar.write_text(recording.model_dump_json())
    store.inbox.folder.mkdir(exist_ok=True)
    note = store.inbox.folder / f"{recording.record_id}.json"
    note.write_text(json.dumps({"sidecar": str(sidecar)}))
    return note


async def test_note_becomes_a_row_and_goes(store: Store, make_recording: Make, tmp_path: Path) -> None:
    note = _note(store, make_recording(4), tmp_path)
    assert await store.inbox.import_one(note) == make_recording(4)
    assert await store.records.by_id(4) == make_recording(4)
    assert not note.exists()
    assert await store.inbox.import_one(note) is None


async def test_repeated_note_changes_nothing(store: Store, make_recording: Make, tmp_path: Path) -> None:
    _note(store, make_recording(4), tmp_path)
    await store.inbox.import_all()
    await store.records.update(4, {"user1": "later"})
    _note(store, make_recording(4), tmp_path)
    assert [r.record_id for r in await store.inbox.import_all()] == [4]
    found = await store.records.by_id(4)
    assert found is not None
    assert found.fields.user1 == "later"


async def test_all_go_in_by_id(store: Store, make_recording: Make, tmp_path: Path) -> None:
    for record_id in (10, 9, 100):
        _note(store, make_recording(record_id), tmp_path)
    assert [r.record_id for r in await store.inbox.import_all()] == [9, 10, 100]
    assert store.inbox.waiting() == []


@pytest.mark.parametrize("text", ["no json", "[]", "{}", '{"sidecar": 5}'])
async def test_bad_note_is_put_aside(store: Store, make_recording: Make, tmp_path: Path, text: str) -> None:
    bad = _note(store, make_recording(1), tmp_path)
    bad.write_text(text)
    _note(store, make_recording(2), tmp_path)
    assert [r.record_id for r in await store.inbox.import_all()] == [2]
    assert (store.inbox.folder / "bad" / "1.json").read_text() == text
    assert store.inbox.waiting() == []


async def test_bad_sidecar_is_put_aside(store: Store, make_recording: Make, tmp_path: Path) -> None:
    note = _note(store, make_recording(1), tmp_path)
    (tmp_path / "sidecar-1.json").write_text('{"record_id": 1')
    with pytest.raises(NoteBadError):
        await store.inbox.import_one(note)
    assert (store.inbox.folder / "bad" / "1.json").exists()
    assert (tmp_path / "sidecar-1.json").exists()


async def test_sidecar_that_is_away_is_waited_for(store: Store, make_recording: Make, tmp_path: Path) -> None:
    note = _note(store, make_recording(1), tmp_path)
    sidecar = tmp_path / "sidecar-1.json"
    away = sidecar.rename(tmp_path / "away")
    with pytest.raises(NoteWaitsError):
        await store.inbox.import_one(note)
    assert store.inbox.waiting() == [note]
    away.rename(sidecar)
    assert [r.record_id for r in await store.inbox.import_all()] == [1]


async def test_notes_wait_for_a_locked_database(store: Store, make_recording: Make, tmp_path: Path) -> None:
    note = _note(store, make_recording(1), tmp_path)
    other = sqlite3.connect(store._database.path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError):
            await store.inbox.import_one(note)
        assert await store.inbox.import_all() == []
        assert store.inbox.waiting() == [note]
        other.execute("ROLLBACK")
    finally:
        other.close()
    assert [r.record_id for r in await store.inbox.import_all()] == [1]


async def test_rebuild_from_sidecars(tmp_path: Path, make_recording: Make) -> None:
    store = Store(tmp_path / "data", 1)
    await store.open()
    kept = make_recording(3)
    await store.records.save(kept)
    await store.records.update(3, {"user1": "changed"})
    for record_id in (3, 7000, 5):
        folder = tmp_path / "rec" / "20260304" / "DESK1"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{record_id}.json").write_text(make_recording(record_id).model_dump_json())
    (tmp_path / "rec" / "other.json").write_text("{}")
    assert await store.rebuild(tmp_path / "rec") == 2
    assert await store.rebuild(tmp_path / "rec") == 0
    assert await store.records.by_id(7000) == make_recording(7000)
    found = await store.records.by_id(3)
    assert found is not None
    assert found.fields.user1 == "changed"
    assert store.identities.next_record_id() > 7000
    assert store.identities.next_global_call_id() > make_recording(7000).global_call_id
    await store.close()
