"""kill -9 in the middle of calls: every recording exists afterwards, whole but for at most a second."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from appliance.audio import measure
from hil.child_box import ChildBox
from hil.peers.rtp_source import RtpSource, SourceCall, SourceResult
from tests.e2e.conftest import Boxes
from tests.e2e.desk import Desk, check_record, read_legs

RATE = 8000
PACKETS_A_S = 50
MOST_LOST_S = 1.0


def plan(port: int, count: int, seconds: float, *, same_worker: bool) -> list[SourceCall]:
    return [
        SourceCall(
            number=n,
            uri=f"sip:600{n}@127.0.0.1:{port + (0 if same_worker else 2 * (n % 2))}",
            streams=2,
            packets=round(seconds * PACKETS_A_S),
            begin_after_s=0.1 * n,
        )
        for n in range(count)
    ]


def check_numbered(path: Path, begun_at_s: float, killed_at_s: float) -> None:
    """On each leg every packet from the call's begin on, up to a second before the kill at least, in its place."""
    legs = read_legs(path)
    least = int((killed_at_s - begun_at_s - MOST_LOST_S) * PACKETS_A_S)
    assert legs.shape[1] == 2
    for leg in (0, 1):
        found = measure.read_coded(np.ascontiguousarray(legs[:, leg]), leg)
        assert found.lost(least) == []
        assert found.doubled == 0
        assert [at for at in found.slips if at < least * RATE // PACKETS_A_S] == []


async def started(desk: Desk, calls: list[SourceCall]) -> asyncio.Task[list[SourceResult]]:
    """Announce the calls, place them, and wait until all are recorded."""
    for call in calls:
        desk.send("CALLSTART", DEVICEID=f"600{call.number}")
    running = asyncio.create_task(RtpSource(calls).run())
    for call in calls:
        event = await asyncio.to_thread(desk.log.wait, "RECORDINGSTARTED", f"600{call.number}")
        assert event.data["ERRORREASON"] == "NONE"
    return running


async def test_a_killed_tap_worker_costs_its_calls_a_second_at_most(own_sip_box: ChildBox, own_sip_port: int) -> None:
    calls = plan(own_sip_port, 4, 7, same_worker=False)
    with Desk(own_sip_box) as desk:
        running = await started(desk, calls)
        await asyncio.sleep(3.5)
        workers = own_sip_box.processes()["tap workers"]
        assert len(workers) == 2
        victim = next(w for w in workers if _listens(w.pid, own_sip_port))
        victim.kill()
        killed_at_s = time.monotonic()
        cut = [await asyncio.to_thread(desk.saved, f"600{n}") for n in (0, 2)]
        results = await running
        for path, result in zip(cut, (results[0], results[2]), strict=True):
            check_numbered(path, result.begun_at_s, killed_at_s)
            record = check_record(path)
            assert record["interrupted"]
            assert record["end_reason"]
        for n in (1, 3):  # the other worker's calls notice nothing
            path = await asyncio.to_thread(desk.stop, f"600{n}")
            assert not check_record(path)["interrupted"]
            check_numbered(path, results[n].begun_at_s, results[n].ended_at_s + MOST_LOST_S)
        desk.send("CALLSTOP", DEVICEID="6000")
        again = SourceCall(number=9, uri=f"sip:6009@127.0.0.1:{own_sip_port}", streams=2, packets=100)
        (result,) = await (await started(desk, [again]))  # a new worker took its place
        check_numbered(await asyncio.to_thread(desk.stop, "6009"), result.begun_at_s, result.ended_at_s + MOST_LOST_S)


def _listens(pid: int, port: int) -> bool:
    import psutil

    return any(c.laddr.port == port for c in psutil.Process(pid).net_connections("udp4"))


@pytest.mark.parametrize("whole_tree", [False, True], ids=["the core", "every process"])
async def test_a_killed_box_finishes_its_recordings_when_it_is_back(
    own_sip_box: ChildBox,
    own_sip_port: int,
    whole_tree: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    calls = plan(own_sip_port, 4, 6, same_worker=False)
    with Desk(own_sip_box) as desk:
        running = await started(desk, calls)
        files = {n: Path(desk.log.wait("RECORDINGSTARTED", f"600{n}").data["FILENAME"]) for n in range(4)}
        await asyncio.sleep(3.5)
        if whole_tree:
            parts = own_sip_box.processes()
            for process in [*parts["tap workers"], *parts["writer"], *parts["other"]]:
                process.kill()
        own_sip_box.kill()
        killed_at_s = time.monotonic()
    await asyncio.to_thread(own_sip_box.wait_gone)
    results = await running
    await asyncio.to_thread(own_sip_box.start)
    for n, path in files.items():
        await asyncio.to_thread(_wait_for, path)
        check_numbered(path, results[n].begun_at_s, killed_at_s)
        record = check_record(path)
        assert record["interrupted"]
        with Desk(own_sip_box) as desk:
            samples, _ = await asyncio.to_thread(desk.export, "ident", record["record_id"])
            assert len(samples) == record["frames"]
    assert not list(own_sip_box.recording_path.rglob("*.part*"))


def _wait_for(path: Path, timeout_s: float = 20) -> None:
    deadline_s = time.monotonic() + timeout_s
    sidecar = Path(f"{path}.json")
    while not (path.exists() and sidecar.exists()):
        assert time.monotonic() < deadline_s, f"{path.name} was never finished"
        time.sleep(0.05)
    time.sleep(1)  # until the row is in


async def test_a_killed_writer_costs_nothing(own_sip_box: ChildBox, own_sip_port: int) -> None:
    calls = plan(own_sip_port, 2, 8, same_worker=True)
    with Desk(own_sip_box) as desk:
        running = await started(desk, calls)
        for _ in range(2):
            await asyncio.sleep(2.5)
            (writer,) = own_sip_box.processes()["writer"]
            writer.kill()
        results = await running
        for n, result in enumerate(results):
            path = await asyncio.to_thread(desk.stop, f"600{n}")
            check_numbered(path, result.begun_at_s, result.ended_at_s + MOST_LOST_S)
            assert not check_record(path)["interrupted"]


def test_a_killed_virtual_worker_is_back_and_the_call_is_recorded_on(make_box: Boxes) -> None:
    box = make_box([{"name": "lines", "kind": "virtual", "lines": 2}])
    with Desk(box) as desk:
        desk.start("5003")
        time.sleep(3)
        (worker,) = box.processes()["tap workers"]
        worker.kill()
        first = desk.saved("5003", count=1)
        desk.log.wait("RECORDINGSTARTED", "5003", count=2)
        time.sleep(1)
        second = desk.stop("5003")
        record = check_record(first)
        assert record["interrupted"]
        assert record["duration_s"] > 3 - MOST_LOST_S
        assert not check_record(second)["interrupted"]
        assert measure.check_continuity(read_legs(second)[:, 0], RATE).unbroken


async def test_a_core_that_hangs_while_a_call_arrives_costs_no_audio(own_sip_box: ChildBox, own_sip_port: int) -> None:
    (call,) = plan(own_sip_port, 1, 4, same_worker=True)
    with Desk(own_sip_box) as desk:
        desk.send("CALLSTART", DEVICEID="6000")
        assert own_sip_box.process is not None
        own_sip_box.process.send_signal(signal.SIGSTOP)
        try:
            running = asyncio.create_task(RtpSource([call]).run())
            await asyncio.sleep(1.5)
        finally:
            own_sip_box.process.send_signal(signal.SIGCONT)
        (result,) = await running
        path = await asyncio.to_thread(desk.stop, "6000")
        check_numbered(path, result.begun_at_s, result.ended_at_s + MOST_LOST_S)
