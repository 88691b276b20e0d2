"""Taps supervised for real: worker processes, the spool in memory, signals."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from appliance.capture import link, planning
from appliance.capture.child import Watch
from appliance.spool.journal import read_all
from appliance.spool.layout import CAPTURE_FILE, Spool
from appliance.spool.lock import is_held
from appliance.spool.records import Closed, LegOpened, Lost, Opened
from drivers.contract import (
    Line,
    LineBusyError,
    LineFault,
    LineIdleError,
    LineUnknownError,
    LossReason,
    SessionClosed,
    TapError,
    TapEvent,
    TapFailedError,
    TapOptionsError,
)
from drivers.taps.sip import Options as SipOptions
from drivers.taps.virtual import VirtualOptions
from drivers.taps.wavfile import WavfileOptions
from tests.contract.rig import QUICK, RECORDS, Rig


@contextlib.asynccontextmanager
async def rig(run_dir: Path, watch: Watch = QUICK, **options: int) -> AsyncIterator[Rig]:
    made = Rig(run_dir, VirtualOptions.model_validate({"name": "v", "kind": "virtual", **options}), watch)
    async with made.running():
        yield made


async def test_plan_tells_lines_and_capabilities_without_a_worker(run_dir: Path) -> None:
    made = Rig(run_dir, VirtualOptions(name="v", kind="virtual", lines=5, workers=2, legs=1), QUICK)
    await made.tap.plan()
    assert made.tap.lines == tuple(Line(str(n), 1, 8000) for n in range(5))
    assert made.tap.capabilities.simulates
    assert made.tap.pids() == []
    assert made.tap.status.workers == 2
    with pytest.raises(TapFailedError, match="is down"):
        await made.tap.start_line("0", "20260101-a")
    await made.tap.close()


async def test_options_that_cannot_work_are_told_by_plan(run_dir: Path) -> None:
    made = Rig(run_dir, WavfileOptions(name="w", kind="wavfile", files=(run_dir / "none.wav",)), QUICK)
    with pytest.raises(TapOptionsError, match=r"none\.wav"):
        await made.tap.start()


async def test_what_the_plan_says_comes_to_the_log(run_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    made = Rig(run_dir, SipOptions(name="t", kind="sip", port=5060, calls=8, front="none"), QUICK)
    await made.tap.plan()
    (record,) = [record for record in caplog.records if "5060, 5062" in record.getMessage()]
    assert record.levelname == "INFO"


async def test_a_plan_that_takes_too_long_or_dies_is_told(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Rig(run_dir, VirtualOptions(name="v", kind="virtual"), QUICK)
    with monkeypatch.context() as patch:
        patch.setattr(planning, "PLAN_S", 0.001)
        with pytest.raises(TapFailedError, match="no plan"):
            await made.tap.plan()
    with monkeypatch.context() as patch:
        patch.setattr("sys.executable", "/bin/false")
        with pytest.raises(TapFailedError, match="code 1"):
            await made.tap.plan()


async def test_start_and_stop_a_line(run_dir: Path) -> None:
    async with rig(run_dir, lines=2) as r:
        assert r.told == [("up", "0", "1")]
        session = await r.begin("1")
        await r.captured(session, 0.3)
        with pytest.raises(LineBusyError):
            await r.begin("1")
        await r.tap.stop_line("1")
        opened, leg0, leg1, closed = r.records(session)
        assert isinstance(opened, Opened)
        assert (opened.tap, opened.line, opened.session) == ("v", "1", session)
        assert is_held(Path(opened.lock))
        assert isinstance(leg0, LegOpened)
        assert isinstance(leg1, LegOpened)
        assert isinstance(closed, Closed)
        assert (leg0.party, leg1.party) == ("caller", "agent")
        with pytest.raises(LineIdleError):
            await r.tap.stop_line("1")
        with pytest.raises(LineUnknownError):
            await r.tap.stop_line("9")
        with pytest.raises(TapError, match="no calls"):
            await r.tap.hang_up("1", "why not")
        with pytest.raises(TapError, match="no fault"):
            await r.tap.simulate("1", "earthquake", 1)
        assert len(r.pcm(session, leg0)) == len(r.pcm(session, leg1))
    assert not is_held(Path(opened.lock))


async def test_a_killed_worker_costs_its_lines_alone_and_comes_back(run_dir: Path) -> None:
    async with rig(run_dir, lines=4, workers=2) as r:
        hit, spared = await r.begin("0"), await r.begin("3")
        await r.captured(hit, 0.5)
        os.kill(r.tap.pids()[0], signal.SIGKILL)
        await r.until(lambda: ("down", "killed by SIGKILL", "0", "1") in r.told)
        opened, *_, last = r.records(hit)
        assert not isinstance(last, Closed)
        assert isinstance(opened, Opened)
        assert not is_held(Path(opened.lock))
        assert r.seconds(hit) >= 0.5
        assert r.seconds(hit, 1) >= 0.5
        await r.until(lambda: r.told.count(("up", "0", "1")) == 2)
        assert r.told.count(("up", "2", "3")) == 1
        assert r.tap.status.restarts == 1
        await r.captured(spared, 0.2)
        again = await r.begin("0")
        await r.captured(again, 0.2)
        lock = r.records(again)[0]
        assert isinstance(lock, Opened)
        assert lock.lock != opened.lock  # the dead life's sessions stay dead


async def test_a_verb_to_a_worker_that_dies_fails_by_name(run_dir: Path) -> None:
    async with rig(run_dir, lines=1) as r:
        with pytest.raises(TapFailedError, match="SIGKILL"):
            await r.tap.simulate("0", "die", 0)
        with pytest.raises(TapFailedError, match="is down"):
            await r.tap.stop_line("0")
        await r.until(lambda: len(r.told) == 3)
        assert r.told == [("up", "0"), ("down", "killed by SIGKILL", "0"), ("up", "0")]


async def test_a_hung_worker_is_killed_and_started_again(run_dir: Path) -> None:
    async with rig(run_dir, Watch(first_s=0.05, alive_s=3), lines=1) as r:
        session = await r.begin("0")
        await r.captured(session, 0.2)
        os.kill(r.tap.pids()[0], signal.SIGSTOP)
        await r.until(lambda: ("down", "hung, and was killed", "0") in r.told)
        await r.until(lambda: r.told[-1] == ("up", "0"))
        assert r.tap.status.restarts == 1


async def test_a_verb_that_comes_too_late_is_taken_back(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "VERB_S", 0.3)
    async with rig(run_dir, Watch(alive_s=30), lines=1) as r:
        pid = r.tap.pids()[0]
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(TapFailedError, match="did not answer to start"):
                await r.begin("0")
        finally:
            os.kill(pid, signal.SIGCONT)
        await r.until(lambda: any(isinstance(fact, SessionClosed) for fact in r.facts))
        monkeypatch.setattr(link, "VERB_S", 5)
        session = await r.begin("0")
        await r.captured(session, 0.1)


async def test_losses_are_counted_and_stand_in_the_spool(run_dir: Path) -> None:
    async with rig(run_dir, lines=1) as r:
        session = await r.begin("0")
        await r.captured(session, 0.1)
        await r.tap.simulate("0", "overflow", 100)
        await r.until(lambda: r.tap.status.lost_frames == 200)
        await r.tap.stop_line("0")
        lost = [record for record in r.records(session) if isinstance(record, Lost)]
        assert [(x.leg, x.frames, x.reason, x.in_file) for x in lost] == [
            (leg, 100, LossReason.OVERFLOW, False) for leg in (0, 1)
        ]


async def test_close_finishes_the_sessions(run_dir: Path) -> None:
    async with rig(run_dir, lines=1) as r:
        session = await r.begin("0")
        pids = r.tap.pids()
    last = r.records(session)[-1]
    assert isinstance(last, Closed)
    assert last.reason == "tap closed"
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert r.told == [("up", "0")]


async def test_sigterm_to_a_worker_closes_its_sessions(run_dir: Path) -> None:
    async with rig(run_dir, lines=1) as r:
        session = await r.begin("0")
        os.kill(r.tap.pids()[0], signal.SIGTERM)
        await r.until(lambda: len(r.told) >= 2)
        assert r.told[1] == ("down", "ended with code 0", "0")
        assert isinstance(r.records(session)[-1], Closed)


async def test_a_tap_that_cannot_open_is_told_and_tried_again(run_dir: Path) -> None:
    import shutil

    import numpy as np
    import soundfile

    path = run_dir / "a.wav"
    soundfile.write(path, np.zeros(800, np.int16), 8000)
    made = Rig(run_dir, WavfileOptions(name="w", kind="wavfile", files=(path,)), QUICK)
    await made.tap.plan()
    shutil.move(path, run_dir / "b.wav")
    await made.tap.start()
    assert made.told[0] == ("down", "ended with code 78", "0")
    assert any(isinstance(fact, LineFault) and "a.wav" in fact.text for fact in made.facts)
    assert "a.wav" in made.tap.status.fault
    assert made.tap.status.fault_at is not None
    shutil.move(run_dir / "b.wav", path)
    await made.until(lambda: made.told[-1] == ("up", "0"))
    await made.tap.close()


async def test_a_fault_of_a_callback_is_told_by_wait(run_dir: Path) -> None:
    made = Rig(run_dir, VirtualOptions(name="v", kind="virtual", lines=1), QUICK)
    await made.tap.start()

    def fail(_: TapEvent) -> None:
        raise ZeroDivisionError

    made.tap._on_fact = fail
    session = await made.begin("0")
    with pytest.raises(ZeroDivisionError):
        async with asyncio.timeout(10):
            await made.tap.wait()
    assert session
    with pytest.raises(ZeroDivisionError):
        await made.tap.close()


def test_a_worker_ends_by_itself_when_its_core_is_killed(run_dir: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.unit.capture.core", str(run_dir)],
        cwd=os.environ["PYTHONPATH"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as core:
        assert core.stdout is not None
        pid, session = core.stdout.readline().split()
        worker = psutil.Process(int(pid))
        time.sleep(0.3)
        core.kill()
    worker.wait(timeout=10)
    last = read_all(Spool(run_dir).folder(session) / CAPTURE_FILE, RECORDS)[-1]
    assert isinstance(last, Closed)
    assert last.reason == "tap closed"
