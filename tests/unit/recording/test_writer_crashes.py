"""The writer broken off anywhere: before each single thing that it does to a disk, with and without its spool."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.recording.facts import Recording
from drivers.contract import LossReason
from tests.unit.recording.studio import RATE, Pcm, Session, Studio, ramp, studio_at

SECONDS = 6
OPERATIONS: tuple[tuple[Any, str], ...] = (
    (os, "fsync"),
    (os, "fdatasync"),
    (os, "link"),
    (os, "pwrite"),
    (os, "ftruncate"),
    (Path, "replace"),
    (Path, "unlink"),
    (Path, "symlink_to"),
    (Path, "mkdir"),
    (Path, "rename"),
)


class Crashed(BaseException):
    """The process ended here."""


class Breaker:
    """Breaks before the operation ``at``, counted from when it was armed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = -1
        self.count = 0
        self.fault: Callable[[], BaseException] = Crashed
        self.armed = False
        for owner, name in OPERATIONS:
            monkeypatch.setattr(owner, name, self._breaking(getattr(owner, name)))

    def _breaking(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*args: Any, **kwargs: Any) -> Any:
            if self.armed:
                self.count += 1
                if self.count - 1 == self.at:
                    raise self.fault()
            return real(*args, **kwargs)

        return operation


@pytest.fixture
def breaker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Breaker]:
    made = Breaker(monkeypatch)
    yield made
    made.armed = False


def call(studio: Studio) -> Session:
    """Play the worker of one call, all of it captured already."""
    session = studio.recorded()
    for leg in (0, 1):
        session.append(leg, ramp(leg, SECONDS * RATE + leg))
    session.black(1, 1.0, 2.0)
    return session


def work(studio: Studio, session: Session, breaker: Breaker) -> None:
    """Take the call in over some turns, held back while it goes on, then to its end."""
    for at_s in (3.0, 4.0, 5.0):
        studio.turn(at_s)
    end(session, breaker)
    studio.turn(SECONDS + 1.0)


def end(session: Session, breaker: Breaker) -> None:
    """Play the end of the call; nothing of that shall break."""
    breaker.armed, armed = False, breaker.armed
    session.stop(SECONDS)
    session.close(SECONDS)
    breaker.armed = armed


def expected() -> Pcm:
    audio = np.array([ramp(leg, SECONDS * RATE + leg) for leg in (0, 1)])
    audio[:, RATE : 2 * RATE] = 0
    return audio


def recordings_on_disk(studio: Studio) -> list[Recording]:
    return [Recording.model_validate_json(p.read_bytes()) for p in (studio.root / "recordings").rglob("*.wav.json")]


def crash_at(studio: Studio, session: Session, breaker: Breaker, at: int) -> bool:
    """Work until the operation ``at``; True if it came to that."""
    breaker.at, breaker.count, breaker.armed = at, 0, True
    try:
        work(studio, session, breaker)
    except Crashed:
        return True
    finally:
        breaker.armed = False
    return False


def run_each(tmp_path: Path, breaker: Breaker, check: Callable[[Studio], None], *, lose_spool: bool) -> int:
    for at in range(1000):
        root = tmp_path / str(at)
        with studio_at(root) as studio:
            session = call(studio)
            crashed = crash_at(studio, session, breaker, at)
            if lose_spool:
                shutil.rmtree(studio.spool.root)
            elif session.folder.exists():
                end(session, breaker)
            studio.restart(100.0)
            for at_s in (101.0, 104.0):
                studio.turn(at_s)
            check(studio)
        shutil.rmtree(root)
        if not crashed:
            return at
    pytest.fail("the work never came to its end")


def test_killed_before_any_operation_there_is_one_recording_and_no_sample_differs(
    tmp_path: Path, breaker: Breaker
) -> None:
    def check(studio: Studio) -> None:
        assert studio.files() == ["1.json", "a.wav", "a.wav.json"]
        assert np.array_equal(studio.audio(-1), expected())
        assert {f.record_id for f in studio.finished()} == {1}
        facts = studio.recording(-1)
        assert (facts.interrupted, facts.end_reason) == (False, "CALLSTOP")
        assert studio.spool.sessions() == []

    assert run_each(tmp_path, breaker, check, lose_spool=False) > 20


def test_killed_and_its_memory_lost_there_is_at_most_one_recording_and_what_it_has_is_right(
    tmp_path: Path, breaker: Breaker
) -> None:
    lengths: list[int] = []

    def check(studio: Studio) -> None:
        found = recordings_on_disk(studio)
        lengths.append(found[0].frames if found else -1)
        assert len(found) <= 1
        if not found:
            assert studio.files() == []
            return
        assert studio.files() == ["1.json", "a.wav", "a.wav.json"]
        if studio.finished():
            assert np.array_equal(studio.audio(-1), expected()[: found[0].channels, : found[0].frames])
        if found[0].interrupted:
            assert found[0].end_reason == "power lost"
        else:
            assert found[0].frames == SECONDS * RATE

    run_each(tmp_path, breaker, check, lose_spool=True)
    assert lengths == sorted(lengths)
    assert lengths[0] == -1
    assert lengths[-1] == SECONDS * RATE
    assert len(set(lengths)) >= 4


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_fails_once_costs_nothing_and_is_told_once(tmp_path: Path, breaker: Breaker, code: int) -> None:
    kind = "disk full" if code == errno.ENOSPC else "disk error"
    for at in range(1000):
        root = tmp_path / str(at)
        with studio_at(root) as studio:
            session = call(studio)
            breaker.fault = lambda: OSError(code, os.strerror(code))
            breaker.at, breaker.count, breaker.armed = at, 0, True
            work(studio, session, breaker)
            for at_s in (SECONDS + 2.0, SECONDS + 3.0):
                studio.turn(at_s)
            breaker.armed = False
            happened = breaker.count > at
            assert studio.files() == ["1.json", "a.wav", "a.wav.json"], at
            assert np.array_equal(studio.audio(-1), expected()), at
            assert studio.troubles() in ([], [(kind, False), (kind, True)]), at
            assert len(studio.finished()) == 1
        shutil.rmtree(root)
        if not happened:
            return
    pytest.fail("the work never came to its end")


def test_a_part_with_half_a_frame_goes_on_at_the_last_whole_one(tmp_path: Path) -> None:
    with studio_at(tmp_path) as studio:
        session = studio.recorded(legs=2)
        for leg in (0, 1):
            session.append(leg, ramp(leg, SECONDS * RATE + leg))
        studio.turn(SECONDS)
        studio.engine.close()
        part = tmp_path / "recordings" / "20261123" / "5551" / "a.wav.part"
        with part.open("ab") as file:
            file.write(b"\x01\x02\x03")
        studio.restart(SECONDS)
        session.stop(SECONDS)
        session.close(SECONDS)
        studio.turn(SECONDS + 1)
        assert np.array_equal(studio.audio(), [ramp(leg, SECONDS * RATE + leg) for leg in (0, 1)])


def test_a_part_whose_header_was_spoilt_by_the_loss_of_power_is_finished_all_the_same(tmp_path: Path) -> None:
    with studio_at(tmp_path) as studio:
        session = studio.recorded(legs=2)
        for leg in (0, 1):
            session.append(leg, ramp(leg, SECONDS * RATE + leg))
        studio.turn(SECONDS)
        studio.turn(SECONDS + 0.5)
        studio.engine.close()
        part = tmp_path / "recordings" / "20261123" / "5551" / "a.wav.part"
        octets = part.read_bytes()
        part.write_bytes(bytes(44) + octets[44:])
        shutil.rmtree(studio.spool.root)
        studio.restart(SECONDS)
        assert np.array_equal(studio.audio(), [ramp(leg, 36000 + leg) for leg in (0, 1)])
        assert studio.recording().interrupted


def test_an_orphan_has_its_gaps_blackouts_and_fields(tmp_path: Path) -> None:
    with studio_at(tmp_path) as studio:
        session = studio.recorded(legs=2)
        session.append(0, ramp(0, RATE))
        session.lose(0, RATE, 9 * RATE, LossReason.UNPLUGGED)
        session.append(1, ramp(0, SECONDS * RATE))
        session.black(1, 3.0, 9.0)
        session.change(user3="x")
        studio.turn(SECONDS)
        studio.turn(SECONDS + 1.0)
        studio.engine.close()
        shutil.rmtree(studio.spool.root)
        studio.restart(SECONDS)
        facts = studio.recording()
        assert facts.duration_s == 5.0
        assert [(gap.leg, gap.at_s, gap.length_s, gap.reason) for gap in facts.gaps] == [(0, 1.0, 4.0, "unplugged")]
        assert [(b.from_s, b.until_s) for b in facts.blackouts] == [(3.0, 5.0)]
        assert [(leg.frames_captured, leg.frames_lost) for leg in facts.legs] == [(RATE, 4 * RATE), (5 * RATE, 0)]
        assert (facts.fields.user3, facts.keep_days) == ("x", 7)
        assert (facts.stopped_at - facts.started_at).total_seconds() == 5.0


def test_what_was_measured_outlives_the_memory(tmp_path: Path) -> None:
    with studio_at(tmp_path) as studio:
        session = studio.recorded(legs=1)
        for second, text in enumerate(["<one/>", "<two/>"]):
            session.append(0, ramp(0, 10 * RATE))
            session.measure(**{f"siprec_document{second}": {"text": text}})
            studio.turn(10.0 * second + 6)
        studio.engine.close()
        shutil.rmtree(studio.spool.root)
        studio.restart(20.0)
        assert studio.recording().end_reason == "power lost"
        assert studio.recording().measured == {
            "siprec_document0": {"text": "<one/>"},
            "siprec_document1": {"text": "<two/>"},
        }


def test_sessions_of_dead_workers_are_finished_if_claimed_and_deleted_if_not(tmp_path: Path) -> None:
    with studio_at(tmp_path) as studio:
        claimed = studio.recorded("claimed")
        unclaimed = studio.session("unclaimed")
        living = studio.recorded("living", record_id=2)
        unclaimed.open()
        for leg in (0, 1):
            claimed.append(leg, ramp(0, RATE))
        claimed.die()
        unclaimed.die()
        studio.restart(1.0)
        studio.turn(2.0)
        studio.turn(5.0)
        assert studio.recording().interrupted
        assert [f.record_id for f in studio.finished()] == [1]
        assert studio.spool.sessions() == [living.name]


def test_a_stall_that_the_last_writer_decided_is_in_the_record_of_the_next(tmp_path: Path) -> None:
    with studio_at(tmp_path) as studio:
        session = studio.recorded()
        session.append(0, ramp(0, RATE))
        session.append(1, ramp(0, 8 * RATE))
        studio.turn(8.0)
        studio.restart(8.0)
        session.append(1, ramp(8 * RATE, 10 * RATE))
        studio.turn(10.0)
        studio.restart(10.0)
        session.stop(10.0)
        session.close(10.0)
        studio.turn(10.5)
        assert [(gap.leg, gap.at_s, gap.length_s) for gap in studio.recording().gaps] == [(0, 1.0, 9.0)]
        assert np.array_equal(studio.audio()[1], ramp(0, 10 * RATE))
