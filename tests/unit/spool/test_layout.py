from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from appliance.spool.layout import Spool
from appliance.spool.lock import FileLock, LockHeldError, acquire_worker_lock, is_held, sweep_worker_locks
from appliance.spool.sink import SpoolSession
from drivers.contract import Party


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path)
    made.create()
    return made


def test_names_of_sessions_sort_by_time_and_never_meet(spool: Spool) -> None:
    names = [spool.new_session_id("sip", "0") for _ in range(2000)]
    assert len(set(names)) == 2000
    assert [name[:18] for name in names] == sorted(name[:18] for name in names)


def test_odd_names_of_lines_make_one_folder(spool: Spool) -> None:
    session = spool.new_session_id("card", "hw:0/../..,1 ü")
    folder = spool.folder(session)
    folder.mkdir()
    assert folder.parent == spool.root
    assert spool.sessions() == [session]


@pytest.mark.parametrize("name", ["../x", "workers", "", ".gone-1", "2026/x"])
def test_a_name_that_is_no_sessions_is_refused(spool: Spool, name: str) -> None:
    with pytest.raises(ValueError, match="no session's name"):
        spool.folder(name)


def test_sessions_of_no_spool_are_none(tmp_path: Path) -> None:
    assert Spool(tmp_path / "nowhere").sessions() == []


def test_a_deleted_session_is_gone_and_deleting_it_twice_is_harmless(spool: Spool) -> None:
    session = spool.new_session_id("t", "0")
    (spool.folder(session)).mkdir()
    (spool.folder(session) / "leg0.pcm").write_bytes(bytes(10))
    spool.delete(session)
    spool.delete(session)
    assert list(spool.root.iterdir()) == [spool.workers]


def test_a_deletion_that_was_broken_off_is_swept(spool: Spool) -> None:
    gone = spool.root / ".gone-20260101T000000000-t-0-1.1"
    gone.mkdir()
    (gone / "leg0.pcm").touch()
    assert spool.sessions() == []
    spool.sweep()
    assert not gone.exists()


def test_usage_counts_memory_and_not_lengths(spool: Spool) -> None:
    session = SpoolSession(spool, spool.new_session_id("t", "0"), "t", "0", spool.root / "no.lock")
    before = spool.usage().used_bytes
    session.open_leg(0, Party.MIXED, 8000)
    session.append(0, np.ones(100_000, np.int16))
    grown = spool.usage().used_bytes - before
    assert 200_000 <= grown < 300_000
    path = spool.folder(session.session) / "leg0.pcm"
    os.truncate(path, 1 << 30)
    assert spool.usage().used_bytes - before < 300_000
    session.close("end")


def test_a_lock_is_held_until_it_is_released(spool: Spool) -> None:
    lock = acquire_worker_lock(spool, "t", 0)
    assert is_held(lock.path)
    with pytest.raises(LockHeldError):
        FileLock.acquire(lock.path, wait_s=0.05)
    lock.release()
    lock.release()
    assert not is_held(lock.path)
    assert not is_held(spool.workers / "never.lock")


def test_each_life_of_a_worker_has_a_lock_of_its_own(spool: Spool) -> None:
    first = acquire_worker_lock(spool, "t", 0)
    second = acquire_worker_lock(spool, "t", 0)
    first.release()
    assert not is_held(first.path)
    assert is_held(second.path)
    second.release()


def test_only_old_free_locks_that_nobody_needs_are_swept(spool: Spool) -> None:
    held, free, young, needed = (spool.workers / f"t-{n}.1-1.lock" for n in range(4))
    lock = FileLock.acquire(held)
    for path in (free, young, needed):
        path.touch()
    for path in (held, free, needed):
        os.utime(path, (1, 1))
    sweep_worker_locks(spool, {needed})
    assert sorted(spool.workers.iterdir()) == [held, young, needed]
    lock.release()
