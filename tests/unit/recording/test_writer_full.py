"""A full disk and a full memory: nothing is lost, and it is told once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.unit.recording.studio import RATE, START_S, Studio, ramp, studio_at
from tests.unit.spool.memory import fill, small_tmpfs


@contextlib.contextmanager
def small_disk(tmp_path: Path, size: str, **options: float) -> Iterator[tuple[Studio, Path]]:
    """Give a studio whose recordings lie on a small disk of their own, and a file to fill that with."""
    with small_tmpfs(tmp_path, size) as disk:
        (tmp_path / "recordings").symlink_to(disk)
        with studio_at(tmp_path, holdback_s=1.0, **options) as studio:
            yield studio, disk / "ballast"


def test_a_full_disk_costs_nothing_but_time(tmp_path: Path) -> None:
    with small_disk(tmp_path, "2m") as (studio, ballast):
        sessions = [studio.recorded("a"), studio.recorded("b", record_id=2)]
        for second in range(20):
            for session in sessions:
                for leg in (0, 1):
                    session.append(leg, ramp(second * RATE, (second + 1) * RATE))
            if second == 4:
                fill(ballast)
            if second == 15:
                assert studio.troubles() == [("disk full", False)]
                assert studio.engine.told(START_S + 15, 0.0).spool_bytes > 4 * 8 * RATE * 2
                ballast.unlink()
            studio.turn(second + 1.0)
        assert studio.troubles() == [("disk full", False), ("disk full", True)]
        for session in sessions:
            session.stop(20.0)
            session.close(20.0)
        studio.turn(20.0)
        for n in (0, 1):
            assert np.array_equal(studio.audio(n), [ramp(0, 20 * RATE)] * 2)
            assert studio.recording(n).gaps == ()


def test_a_disk_that_is_full_at_the_end_of_a_call_keeps_the_call_in_memory(tmp_path: Path) -> None:
    with small_disk(tmp_path, "600k") as (studio, ballast):
        session = studio.recorded(legs=1)
        session.append(0, ramp(0, 10 * RATE))
        studio.turn(5.0)
        fill(ballast)
        session.stop(10.0)
        session.close(10.0)
        for at_s in (10.0, 12.0, 14.0):
            studio.turn(at_s)
        assert studio.finished() == []
        assert studio.troubles() == [("disk full", False)]
        assert studio.engine.ending() == []
        ballast.unlink()
        studio.turn(15.0)
        assert np.array_equal(studio.audio(), [ramp(0, 10 * RATE)])
        assert studio.troubles() == [("disk full", False), ("disk full", True)]


def test_a_disk_that_is_full_when_a_call_begins_is_waited_for(tmp_path: Path) -> None:
    with small_disk(tmp_path, "600k") as (studio, ballast):
        fill(ballast)
        session = studio.recorded(legs=1)
        for second in range(10):
            session.append(0, ramp(second * RATE, (second + 1) * RATE))
            studio.turn(second + 1.0)
        ballast.unlink()
        session.stop(10.0)
        session.close(10.0)
        studio.turn(10.0)
        assert np.array_equal(studio.audio(), [ramp(0, 10 * RATE)])
        assert studio.troubles()[0] == ("disk full", False)


def test_a_folder_that_cannot_be_made_is_told_and_waited_for(tmp_path: Path) -> None:
    with studio_at(tmp_path) as studio:
        (tmp_path / "recordings").write_text("in the way")
        session = studio.recorded(legs=1)
        session.append(0, ramp(0, RATE))
        session.stop(1.0)
        session.close(1.0)
        studio.turn(1.0)
        assert studio.troubles() == [("disk error", False)]
        (tmp_path / "recordings").unlink()
        studio.turn(2.0)
        assert np.array_equal(studio.audio(), [ramp(0, RATE)])
        assert studio.troubles() == [("disk error", False), ("disk error", True)]


def test_a_memory_that_fills_shortens_the_holdback_before_anything_is_lost(tmp_path: Path) -> None:
    with studio_at(tmp_path, holdback_s=60.0, spool_max_mb=1) as studio:
        session = studio.recorded()
        for second in range(120):
            for leg in (0, 1):
                session.append(leg, ramp(second * RATE, (second + 1) * RATE))
            studio.turn(second + 1.0)
            assert studio.engine.told(START_S + second + 1.0, 0.0).spool_bytes < 1 << 20
        assert studio.troubles()[0] == ("spool full", False)
        session.stop(120.0)
        session.close(120.0)
        studio.turn(121.0)
        assert np.array_equal(studio.audio(), [ramp(0, 120 * RATE)] * 2)
        studio.turn(122.0)
        assert studio.troubles()[-1] == ("spool full", True)
