"""What every kind of tap promises, shown on its own worker processes with the spool in memory."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from appliance.spool.lock import is_held
from appliance.spool.records import Closed, Lost, Opened
from drivers import registry
from drivers.contract import (
    LineBusyError,
    LineFault,
    LineIdleError,
    LineUnknownError,
    MediaStarted,
    SessionClosed,
    TapError,
    TapOptions,
)
from tests.contract.kinds import Entry
from tests.contract.rig import Rig


@pytest.fixture
def options(kind: str, entry: Entry, tmp_path: Path) -> TapOptions:
    return registry.load(kind).Options.model_validate({"name": "t", "kind": kind, **entry.options(tmp_path)})


@pytest.fixture
async def rig(options: TapOptions, run_dir: Path) -> AsyncIterator[Rig]:
    async with Rig(run_dir, options).running() as running:
        yield running


def test_a_kind_declares_its_options(kind: str, entry: Entry) -> None:
    tap = registry.load(kind)
    assert issubclass(tap.Options, TapOptions)
    assert tap.Options is not TapOptions
    own = tap.Options.model_fields.keys() - TapOptions.model_fields.keys()
    assert [name for name in own if not tap.Options.model_fields[name].description] == []


async def test_plan_numbers_workers_and_lines(options: TapOptions, kind: str, run_dir: Path) -> None:
    made = Rig(run_dir, options)
    await made.tap.plan()
    lines = made.tap.lines
    assert lines
    assert len({line.name for line in lines}) == len(lines)
    assert all(line.legs in (1, 2) and line.rate_hz > 0 for line in lines)
    assert made.tap.capabilities == registry.load(kind).abilities(options)
    assert made.tap.pids() == []


async def test_closing_what_never_ran_and_closing_twice_is_harmless(options: TapOptions, run_dir: Path) -> None:
    idle = Rig(run_dir, options)
    await idle.tap.close()
    ran = Rig(run_dir, options)
    async with ran.running():
        assert ran.tap.status.workers_up == ran.tap.status.workers
    await ran.tap.close()
    assert [told for told in ran.told if told[0] == "down"] == []


async def test_wrong_verbs_are_refused_by_name(rig: Rig) -> None:
    line = rig.tap.lines[0].name
    for verb in (rig.begin("nowhere"), rig.tap.stop_line("nowhere"), rig.tap.hang_up("nowhere", "")):
        with pytest.raises(LineUnknownError):
            await verb
    with pytest.raises(LineIdleError):
        await rig.tap.stop_line(line)
    with pytest.raises(TapError):
        await rig.tap.hang_up(line, "there is no call")
    if not rig.tap.capabilities.simulates:
        with pytest.raises(TapError):
            await rig.tap.simulate(line, "die", 0)
    assert [told[0] for told in rig.told] == ["up"] * rig.tap.status.workers


async def test_audio_is_captured_whole_in_step_and_in_time(rig: Rig, entry: Entry, tmp_path: Path) -> None:
    line = rig.tap.lines[0]
    async with entry.carry(rig, tmp_path) as session:
        with pytest.raises(LineBusyError):
            await rig.begin(line.name)
        await rig.captured(session, 0.5)
        assert await least_lag_s(rig, session) <= entry.lag_s
        await rig.captured(session, 1.5)
        asked_at_s = time.monotonic()
        await rig.tap.stop_line(line.name)
        records = rig.records(session)
        legs = rig.legs(session)
        assert isinstance(records[0], Opened)
        assert (records[0].tap, records[0].line, records[0].session) == ("t", line.name, session)
        assert isinstance(records[-1], Closed)
        assert [record for record in records if isinstance(record, Lost)] == []
        assert [leg.leg for leg in legs] == list(range(line.legs))
        for leg in legs:
            pcm = rig.pcm(session, leg)
            end_s = leg.started_mono_s + len(pcm) / leg.rate_hz
            assert asked_at_s - 0.05 <= end_s <= records[-1].closed_mono_s + 0.05
            entry.check(tmp_path, leg.leg, pcm)
        begins_s = [leg.started_mono_s for leg in legs]
        assert max(begins_s) - min(begins_s) < 0.02
        assert await grows_no_more(rig, session)
    started = [fact for fact in rig.facts if isinstance(fact, MediaStarted) and fact.session == session]
    assert [(fact.line, fact.legs) for fact in started] == [(line.name, line.legs)]


async def test_sessions_follow_each_other_and_leave_nothing_in_the_worker(
    rig: Rig, entry: Entry, tmp_path: Path
) -> None:
    line = rig.tap.lines[0].name
    if rig.tap.capabilities.calls_arrive:
        pytest.skip("its sessions follow its calls")
    worker = psutil.Process(rig.tap.pids()[0])
    before = (worker.num_fds(), worker.num_threads())
    sessions = []
    for _ in range(10):
        async with entry.carry(rig, tmp_path) as session:
            await rig.captured(session, 0.04)
            await rig.tap.stop_line(line)
            sessions.append(session)
    assert (worker.num_fds(), worker.num_threads()) == before
    assert all(rig.is_closed(session) for session in sessions)


async def test_close_ends_a_session_in_good_order(
    options: TapOptions, entry: Entry, run_dir: Path, tmp_path: Path
) -> None:
    made = Rig(run_dir, options)
    async with made.running():
        pids = made.tap.pids()
        async with entry.carry(made, tmp_path) as session:
            await made.captured(session, 0.2)
            await made.tap.close()
            assert made.is_closed(session)
            for leg in made.legs(session):
                assert len(made.pcm(session, leg))
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert [fact.reason for fact in made.facts if isinstance(fact, SessionClosed) and fact.session == session]


async def test_what_a_killed_worker_had_captured_stays(rig: Rig, entry: Entry, tmp_path: Path) -> None:
    pid = rig.tap.pids()[0]
    async with entry.carry(rig, tmp_path) as session:
        await rig.captured(session, 1.0)
        os.kill(pid, signal.SIGKILL)
        killed_at_s = time.monotonic()
        await rig.until(lambda: any(told[:2] == ("down", "killed by SIGKILL") for told in rig.told))
        opened = rig.records(session)[0]
        assert isinstance(opened, Opened)
        assert not rig.is_closed(session)
        assert not is_held(Path(opened.lock))
        for leg in rig.legs(session):
            pcm = rig.pcm(session, leg)
            missing_s = killed_at_s - leg.started_mono_s - len(pcm) / leg.rate_hz
            assert missing_s < 1
            entry.check(tmp_path, leg.leg, pcm)
    await rig.until(lambda: rig.tap.status.workers_up == rig.tap.status.workers)
    assert rig.tap.status.restarts == 1
    assert [fact for fact in rig.facts if isinstance(fact, LineFault)] == []


async def least_lag_s(rig: Rig, session: str) -> float:
    """How far the spool is behind the moment, at its best: a busy machine may be late, a tap may not always be."""
    leg = rig.legs(session)[0]
    lags_s = []
    for _ in range(20):
        await asyncio.sleep(0.03)
        lags_s.append(time.monotonic() - leg.started_mono_s - rig.seconds(session))
    assert min(lags_s) > -0.02, "the spool is ahead of time"
    return min(lags_s)


async def grows_no_more(rig: Rig, session: str) -> bool:
    """Tell whether the closed session's legs keep their length."""
    before = [len(rig.pcm(session, leg)) for leg in rig.legs(session)]
    await asyncio.sleep(0.3)
    return before == [len(rig.pcm(session, leg)) for leg in rig.legs(session)]
