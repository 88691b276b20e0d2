"""The sink and the reader, one against the other."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from appliance.spool.layout import Spool
from appliance.spool.lock import acquire_worker_lock
from appliance.spool.reader import SessionReader
from appliance.spool.records import Lost
from appliance.spool.sink import SpoolSession
from drivers.contract import LossReason, Party, SessionSink
from tests.unit.spool.memory import fill, small_tmpfs

Pcm = npt.NDArray[np.int16]


def begin(run_dir: Path) -> tuple[Spool, SpoolSession, SessionReader]:
    spool = Spool(run_dir)
    lock = acquire_worker_lock(spool, "t", 0)
    sink = SpoolSession(spool, spool.new_session_id("t", "0"), "t", "0", lock.path)
    return spool, sink, SessionReader(spool, sink.session)


def read(reader: SessionReader, leg: int) -> Pcm:
    reader.refresh()
    pcm = np.zeros(reader.legs[leg].frames, np.int16)
    assert reader.legs[leg].read_into(pcm, 0) == len(pcm)
    return pcm


def ramp(begin: int, end: int) -> Pcm:
    return np.arange(begin, end).astype(np.int16)


def test_it_is_what_drivers_are_promised(tmp_path: Path) -> None:
    _, sink, _ = begin(tmp_path)
    promised: SessionSink = sink
    assert promised.session == sink.session


def test_blocks_of_any_length_come_out_as_they_went_in(tmp_path: Path) -> None:
    _, sink, reader = begin(tmp_path)
    sink.open_leg(0, Party.CALLER, 8000)
    sink.open_leg(1, Party.AGENT, 8000)
    sink.append(0, ramp(0, 160))
    sink.append(0, ramp(160, 161))
    sink.append(0, np.zeros(0, np.int16))
    sink.append(1, ramp(0, 1000)[::2])
    assert np.array_equal(read(reader, 0), ramp(0, 161))
    assert np.array_equal(read(reader, 1), ramp(0, 1000)[::2])
    assert reader.legs[0].record.party is Party.CALLER
    assert reader.legs[0].record.started_mono_s <= reader.legs[1].record.started_mono_s


def test_losses_stand_at_their_place_on_the_legs_time_line(tmp_path: Path) -> None:
    _, sink, reader = begin(tmp_path)
    sink.open_leg(0, Party.MIXED, 8000)
    sink.append(0, ramp(0, 100))
    sink.append(0, ramp(0, 100), lost_before=50)
    sink.lost(0, 250, 30, LossReason.STALLED, in_file=False)
    sink.append(0, ramp(0, 10), lost_before=5)
    sink.lost(0, 7, 3, LossReason.PACKETS_LOST, in_file=True)
    reader.refresh()
    assert [(lost.at_frame, lost.frames, lost.reason) for lost in reader.legs[0].losses] == [
        (100, 50, LossReason.OVERFLOW),
        (250, 30, LossReason.STALLED),
        (280, 5, LossReason.OVERFLOW),
        (7, 3, LossReason.PACKETS_LOST),
    ]
    assert reader.legs[0].frames == 210


def test_a_leg_that_a_library_writes_has_a_header(tmp_path: Path) -> None:
    spool, sink, reader = begin(tmp_path)
    path = sink.leg_file(1, Party.AGENT, 16000, skip_frames=1600)
    reader.refresh()
    assert reader.legs[1].frames == 0
    path.write_bytes(bytes(44) + ramp(5, 25).tobytes())
    assert np.array_equal(read(reader, 1), ramp(5, 25))
    assert reader.legs[1].record.skip_frames == 1600
    assert path.parent == spool.folder(sink.session)


def test_the_end_is_told_and_what_comes_behind_it_is_outside(tmp_path: Path) -> None:
    _, sink, reader = begin(tmp_path)
    sink.open_leg(0, Party.MIXED, 8000)
    sink.measured({"packets": 5})
    sink.measured({"packets": 6, "codec": "PCMU"})
    sink.append(0, ramp(0, 10))
    reader.refresh()
    assert not reader.over
    sink.close("far end hung up")
    sink.close("again")
    sink.append(0, ramp(0, 10))
    sink.lost(0, 0, 1, LossReason.DROPPED, in_file=True)
    assert len(read(reader, 0)) == 10
    assert reader.closed is not None
    assert reader.closed.reason == "far end hung up"
    assert reader.measured == {"packets": 6, "codec": "PCMU"}
    assert not reader.died


def test_a_dead_workers_session_is_over_and_keeps_what_it_has(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    lock = acquire_worker_lock(spool, "t", 0)
    sink = SpoolSession(spool, spool.new_session_id("t", "0"), "t", "0", lock.path)
    reader = SessionReader(spool, sink.session)
    sink.open_leg(0, Party.MIXED, 8000)
    reader.refresh()
    assert not reader.over
    sink.append(0, ramp(0, 77))
    lock.release()
    next_life = acquire_worker_lock(spool, "t", 0)
    assert len(read(reader, 0)) == 77
    assert reader.died
    next_life.release()


def test_a_session_is_captured_once(tmp_path: Path) -> None:
    spool, sink, _ = begin(tmp_path)
    with pytest.raises(FileExistsError):
        SpoolSession(spool, sink.session, "t", "0", tmp_path)


def test_threads_may_append_together(tmp_path: Path) -> None:
    _, sink, reader = begin(tmp_path)
    sink.open_leg(0, Party.CALLER, 8000)
    sink.open_leg(1, Party.AGENT, 8000)

    def work(leg: int) -> None:
        for n in range(300):
            sink.append(leg, np.full(160, n, np.int16), lost_before=n % 2)

    threads = [threading.Thread(target=work, args=(n % 2,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    sink.close("end")
    for leg in (0, 1):
        blocks = read(reader, leg).reshape(-1, 160)
        assert len(blocks) == 600
        assert (blocks == blocks[:, :1]).all()
        assert sum(lost.frames for lost in reader.legs[leg].losses) == 300


def test_memory_before_a_frame_is_given_back_under_a_file_that_grows(tmp_path: Path) -> None:
    _, sink, reader = begin(tmp_path)
    sink.open_leg(0, Party.MIXED, 8000)
    sink.append(0, ramp(0, 100_000))
    reader.refresh()
    leg = reader.legs[0]
    taken = leg.taken_bytes
    assert leg.first_kept_frame() == 0
    leg.give_back(90_000)
    sink.append(0, ramp(0, 100))
    reader.refresh()
    assert leg.frames == 100_100
    assert taken - leg.taken_bytes >= 160_000
    kept = leg.first_kept_frame()
    assert 85_000 <= kept <= 90_000
    pcm = np.zeros(100_100 - kept, np.int16)
    leg.read_into(pcm, kept)
    assert np.array_equal(pcm, np.concatenate([ramp(kept, 100_000), ramp(0, 100)]))


def test_a_full_memory_becomes_a_loss_and_the_time_line_stays_true(tmp_path: Path) -> None:
    with small_tmpfs(tmp_path, "1m") as run_dir:
        _, sink, reader = begin(run_dir)
        sink.open_leg(0, Party.MIXED, 8000)
        ballast = run_dir / "ballast"
        sink.append(0, np.full(8000, 1, np.int16))
        fill(ballast)
        for _ in range(100):
            sink.append(0, np.full(160, 2, np.int16))
        ballast.unlink()
        sink.append(0, np.full(8000, 3, np.int16))
        sink.close("end")
        pcm = read(reader, 0)
        losses: list[Lost] = reader.legs[0].losses
        assert {lost.reason for lost in losses} == {LossReason.SPOOL_FULL}
        kept = int((pcm == 2).sum())
        assert sum(lost.frames for lost in losses) == 16000 - kept
        assert int((pcm == 3).sum()) == 8000
        assert losses[-1].at_frame + losses[-1].frames == 24000
        assert reader.closed is not None
        for leg in reader.legs.values():
            leg.close()
        reader.close()


def test_the_end_is_told_even_in_a_full_memory(tmp_path: Path) -> None:
    with small_tmpfs(tmp_path, "1m") as run_dir:
        _, sink, reader = begin(run_dir)
        sink.open_leg(0, Party.MIXED, 8000)
        for _ in range(20_000):
            sink.append(0, np.full(160, 2, np.int16))
        for n in range(400):
            sink.lost(0, n, 1, LossReason.PACKETS_LOST, in_file=True)
            sink.measured({"n": n})
        sink.close("end")
        reader.refresh()
        assert reader.closed is not None
        losses = reader.legs[0].losses
        captured = reader.legs[0].frames
        full = sum(lost.frames for lost in losses if lost.reason is LossReason.SPOOL_FULL)
        assert captured + full == 20_000 * 160
        assert sum(lost.frames for lost in losses if lost.reason is LossReason.PACKETS_LOST) == 400
        reader.close()
