"""The writer's real process, killed again and again while a call is captured."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from appliance.calls.fields import CallFields
from appliance.clock import monotonic_s, now
from appliance.recording.facts import Recording
from appliance.recording.writer.options import WriterOptions
from appliance.spool.layout import Spool
from appliance.spool.lock import acquire_worker_lock
from appliance.spool.orders import OrderLog
from appliance.spool.records import BlackoutBegan, BlackoutEnded, Claimed, Stopped
from appliance.spool.sink import SpoolSession
from drivers.contract import Party

pytestmark = pytest.mark.wires

RATE = 8000
SECONDS = 120
KILLS = 10


class Writer:
    """One process of the writer, and the ones after it."""

    def __init__(self, options: WriterOptions) -> None:
        self._options = options
        self.start()

    def start(self) -> None:
        self.ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "appliance.recording.writer", str(theirs.fileno())),
                    self._options.model_dump_json(),
                ],
                pass_fds=[theirs.fileno()],
            )

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.ours.close()

    def leave(self) -> int:
        """Let the core be gone; gives the exit code."""
        self.ours.close()
        return self.process.wait(10)


@pytest.fixture
def options(tmp_path: Path) -> WriterOptions:
    return WriterOptions(
        run_dir=tmp_path / "run",
        data_dir=tmp_path / "data",
        recording_path=tmp_path / "recordings",
        holdback_s=1.0,
        durable_every_s=0.1,
        turn_s=0.05,
    )


@pytest.fixture
def writer(options: WriterOptions) -> Iterator[Writer]:
    made = Writer(options)
    yield made
    made.kill()


def noise(seed: int) -> npt.NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-30000, 30000, SECONDS * RATE, dtype=np.int16)


def claimed(session: str, options: WriterOptions, from_s: float) -> OrderLog:
    orders = OrderLog(Spool(options.run_dir), session)
    orders.append(
        Claimed(
            record_id=1,
            global_call_id="1",
            core_id=1,
            channel=0,
            device_id="5551",
            call_instance="",
            path=str(options.recording_path / "20261123" / "5551" / "a.wav"),
            encoding="pcm",
            started_at=now(),
            from_mono_s=from_s,
            call_started_at=now(),
            schedule="all",
            recording_type="schedule",
            priority=1,
            keep_days=1,
            archive_action=-1,
            fields=CallFields(),
        )
    )
    return orders


def wait_for(path: Path, limit_s: float = 20.0) -> None:
    until_s = monotonic_s() + limit_s
    while not path.exists():
        assert monotonic_s() < until_s, f"{path} does not come"
        time.sleep(0.02)


def test_killed_again_and_again_no_sample_differs(writer: Writer, options: WriterOptions) -> None:
    spool = Spool(options.run_dir)
    lock = acquire_worker_lock(spool, "t", 0)
    session = SpoolSession(spool, spool.new_session_id("t", "0"), "t", "0", lock.path)
    legs = (noise(1), noise(2))
    for leg, party in enumerate((Party.CALLER, Party.AGENT)):
        session.open_leg(leg, party, RATE)
    begin_s = monotonic_s()
    orders = claimed(session.session, options, begin_s - 5)
    part = options.recording_path / "20261123" / "5551" / "a.wav.part"
    positions: list[int] = []
    per_kill = SECONDS * RATE // KILLS
    for kill in range(KILLS):
        for first in range(kill * per_kill, (kill + 1) * per_kill, 1600):
            for leg, audio in enumerate(legs):
                session.append(leg, audio[first : min(first + 1600, (kill + 1) * per_kill)])
        _until_it_grows(part, positions)
        writer.kill()
        positions.append(part.stat().st_size)
        writer.start()
    # The recording's time runs on the real clock, so the order to stop lies behind all that was captured.
    orders.append(BlackoutBegan(number=1, from_mono_s=begin_s + 2.0))
    orders.append(BlackoutEnded(number=1, until_mono_s=begin_s + 3.0))
    orders.append(Stopped(at_mono_s=begin_s + SECONDS + 10, stopped_at=now(), reason="CALLSTOP"))
    session.close("stopped")
    wait_for(options.data_dir / "inbox" / "1.json")
    until_s = monotonic_s() + 10
    while spool.sessions() and monotonic_s() < until_s:
        time.sleep(0.02)
    assert spool.sessions() == []
    facts = Recording.model_validate_json((part.parent / "a.wav.json").read_bytes())
    later = facts.frames - SECONDS * RATE  # the second leg was opened so many frames after the first
    assert 0 <= later < RATE // 50
    assert (facts.gaps, facts.interrupted) == ((), False)
    octets = np.frombuffer((part.parent / "a.wav").read_bytes()[44:], "<i2").reshape(-1, 2)
    black = facts.blackouts[0]
    for leg, audio in enumerate(legs):
        expected = np.zeros(facts.frames, np.int16)
        expected[leg * later :][: len(audio)] = audio
        expected[round(black.from_s * RATE) : round(black.until_s * RATE)] = 0
        assert np.array_equal(octets[:, leg], expected)
    assert sorted(path.name for path in part.parent.iterdir()) == ["a.wav", "a.wav.json"]
    assert len(set(positions)) >= 3, "the writer was never killed in the middle"
    lock.release()
    orders.close()


def _until_it_grows(part: Path, positions: list[int]) -> None:
    before = positions[-1] if positions else 0
    until_s = monotonic_s() + 3.0
    while monotonic_s() < until_s:
        if part.exists() and part.stat().st_size > before:
            return
        time.sleep(0.005)


def test_it_ends_at_once_when_the_core_is_gone_and_ignores_signals_before(writer: Writer) -> None:
    _until_it_answers(writer)
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(writer.process.pid, number)
    time.sleep(0.3)
    assert writer.process.poll() is None
    assert writer.leave() == 0


def _until_it_answers(writer: Writer) -> None:
    writer.ours.settimeout(20)
    assert b"ready" in writer.ours.recv(4096)
