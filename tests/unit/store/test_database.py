"""Locked, damaged, full, killed: the one request fails, the next one works, nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import peewee
import pytest

from appliance.errors import DatabaseError, ValueInvalidError
from appliance.recording.facts import Recording
from appliance.store.database import Database
from appliance.store.store import Store

Make = Callable[..., Recording]


def _sql(database: peewee.Database, text: str) -> Any:
    return database.execute_sql(text)  # type: ignore[no-untyped-call]


async def test_what_was_stored_survives_a_restart(tmp_path: Path, make_recording: Make) -> None:
    first = Store(tmp_path, 1)
    await first.open()
    await first.records.save(make_recording(1))
    await first.close()
    second = Store(tmp_path, 1)
    await second.open()
    assert await second.records.by_id(1) == make_recording(1)
    await second.close()
    with pytest.raises(DatabaseError):
        await second.records.by_id(1)


async def test_locked_database_fails_the_request_and_never_the_loop(store: Store, make_recording: Make) -> None:
    await store.records.save(make_recording(1))
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    other = sqlite3.connect(store._database.path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match="locked"):
            await store.records.save(make_recording(2))
        assert ticks >= 3, "the loop stood still while the database was locked"
        assert await store.records.by_id(1) is not None, "readers do not wait for a writer"
        other.execute("ROLLBACK")
        await store.records.save(make_recording(2))
        assert await store.records.count() == 2
    finally:
        other.close()
        ticking.cancel()


async def test_damaged_database_fails_requests_only(tmp_path: Path, make_recording: Make) -> None:
    (tmp_path / "linetap.db").write_bytes(b"this is no database " * 100)
    (tmp_path / "counters.json").write_text('{"record_id": 5, "call": 5}')
    store = Store(tmp_path, 1)
    await store.open()
    with pytest.raises(DatabaseError):
        await store.records.save(make_recording(1))
    with pytest.raises(DatabaseError):
        await store.records.find_newest("ani", "1")
    assert store.identities.next_record_id() == 6
    (tmp_path / "linetap.db").unlink()
    await store.records.save(make_recording(1))
    assert await store.records.count() == 1
    await store.close()


async def test_fault_of_one_writer_is_its_own(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db")
    await database.open()

    def good(opened: peewee.Database) -> int:
        _sql(opened, "insert into stations (station_name, device_id) values (lower(hex(randomblob(8))), '1')")
        return 1

    def bad(opened: peewee.Database) -> int:
        good(opened)
        _sql(opened, "insert into stations (station_name) values ('no device')")
        return 1

    def refused(opened: peewee.Database) -> int:
        good(opened)
        raise ValueInvalidError("not that")

    jobs = [good, bad, good, refused, good]
    results = await asyncio.gather(*(database.write(job) for job in jobs), return_exceptions=True)
    assert [type(r) for r in results] == [int, DatabaseError, int, ValueInvalidError, int]
    count = await database.read(lambda opened: _sql(opened, "select count(*) from stations").fetchone()[0])
    assert count == 3
    await database.close()


async def test_undone_transaction_is_told_to_everyone_in_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db")
    await database.open()

    def good(opened: peewee.Database) -> None:
        _sql(opened, "insert into stations (station_name, device_id) values ('A', '1')")

    def undone(opened: peewee.Database) -> None:
        _sql(opened, "ROLLBACK")  # as SQLite does by itself when the disk is full
        raise peewee.OperationalError("database or disk is full")

    held = threading.Event()
    first = asyncio.create_task(database.write(lambda _: held.wait(20)))
    waiting = [asyncio.create_task(database.write(job)) for job in (good, undone, good)]
    await asyncio.sleep(0)
    held.set()
    results = await asyncio.gather(first, *waiting, return_exceptions=True)
    assert [type(r) for r in results[1:]] == [DatabaseError] * 3
    assert await database.read(lambda opened: _sql(opened, "select count(*) from stations").fetchone()[0]) == 0
    await database.write(good)
    await database.close()


async def test_writers_that_wait_share_a_commit(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db")
    await database.open()
    commits = 0
    commit = database._commit

    def counted(group: list[Any]) -> None:
        nonlocal commits
        commits += 1
        commit(group)

    database._commit = counted  # type: ignore[method-assign]
    await asyncio.gather(*(database.write(lambda opened: _sql(opened, "select 1")) for _ in range(50)))
    assert commits < 50
    await database.close()


async def test_readers_cannot_write(store: Store) -> None:
    with pytest.raises(DatabaseError, match="readonly"):
        await store._database.read(lambda opened: _sql(opened, "delete from recordings"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small tmpfs is not permitted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def _fill(folder: Path) -> Path:
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


async def test_full_disk_fails_writes_until_there_is_room(small_disk: Path, make_recording: Make) -> None:
    store = Store(small_disk, 1)
    await store.open()
    await store.records.save(make_recording(1))
    ballast = _fill(small_disk)
    stored = [1]

    async def store_on() -> None:
        for record_id in range(2, 500):
            await store.records.save(make_recording(record_id))
            stored.append(record_id)

    with pytest.raises(DatabaseError, match="full"):
        await store_on()
    assert await store.records.count() == len(stored)
    ids = {store.identities.next_record_id() for _ in range(2500)}
    assert len(ids) == 2500, "ids go on while the disk is full"
    assert not (small_disk / "counters.new").exists()
    ballast.unlink()
    await store.records.save(make_recording(1000))
    assert await store.records.count() == len(stored) + 1
    await store.close()


WRITER = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from appliance.store.calls import LoggedCall
    from appliance.store.store import Store
    from appliance import clock

    async def main():
        store = Store(Path(sys.argv[1]), 1)
        await store.open()

        async def calls():
            while True:
                number = store.identities.next_global_call_id()
                await store.calls.save(
                    LoggedCall(global_call_id=number, core_id=1, device_id="1", started_at=clock.now())
                )
                print(number, flush=True)

        await asyncio.gather(*(calls() for _ in range(8)))

    asyncio.run(main())
    """
)


def _killed_writer(data_dir: Path, least: int) -> list[str]:
    process = subprocess.Popen([sys.executable, "-c", WRITER, data_dir], stdout=subprocess.PIPE)
    assert process.stdout is not None
    octets = b""
    deadline = time.monotonic() + 30
    while octets.count(b"\n") < least and time.monotonic() < deadline:
        if select.select([process.stdout], [], [], 1)[0]:
            octets += os.read(process.stdout.fileno(), 65536)
    process.send_signal(signal.SIGKILL)
    octets += process.stdout.read()
    process.stdout.close()
    process.wait(timeout=10)
    assert octets.count(b"\n") >= least
    return octets[: octets.rindex(b"\n")].decode().split("\n")


async def test_kill_loses_nothing_acknowledged_and_repeats_no_number(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    for least in (60, 1, 200):
        acknowledged += _killed_writer(tmp_path, least)
    assert len(set(acknowledged)) == len(acknowledged)
    store = Store(tmp_path, 1)
    await store.open()
    for number in acknowledged:
        assert await store.calls.by_id(number) is not None, number
    assert store.identities.next_global_call_id() > max(acknowledged)
    await store.close()
