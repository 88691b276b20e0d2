"""The core's side of the writer, with the real process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from appliance.capture.protocol import Finished, Trouble, Turned
from appliance.clock import monotonic_s, now
from appliance.recording.facts import Recording
from appliance.recording.writer_link import WriterLink, options_of
from appliance.settings.models import Box, RecordingSettings, Settings
from appliance.spool.layout import Spool
from appliance.spool.lock import acquire_worker_lock
from appliance.spool.records import Stopped
from appliance.spool.sink import SpoolSession
from drivers.contract import Party
from tests.wires.writer.test_killed import claimed

pytestmark = pytest.mark.wires


class Core:
    """What the core hears."""

    def __init__(self, tmp_path: Path) -> None:
        self.settings = Settings(
            box=Box(data_dir=tmp_path / "data", run_dir=tmp_path / "run"),
            recording=RecordingSettings(path=tmp_path / "recordings", holdback_s=60),
        )
        self.finished: list[Finished] = []
        self.troubles: list[Trouble] = []
        self.turned: list[Turned] = []
        self.link = WriterLink(
            self.settings,
            on_finished=self.finished.append,
            on_trouble=self.troubles.append,
            on_turned=self.turned.append,
        )
        self.task = asyncio.create_task(self.link.run())
        self.spool = Spool(self.settings.box.run_dir)
        self.spool.create()
        self.lock = acquire_worker_lock(self.spool, "t", 0)

    async def record(self) -> tuple[SpoolSession, Callable[[], None]]:
        session = SpoolSession(self.spool, self.spool.new_session_id("t", "0"), "t", "0", self.lock.path)
        session.open_leg(0, Party.MIXED, 8000)
        begin_s = monotonic_s()
        orders = claimed(session.session, options_of(self.settings), begin_s)

        def stop() -> None:
            orders.append(Stopped(at_mono_s=begin_s + 1.0, stopped_at=now(), reason="CALLSTOP"))
            session.append(0, np.full(8000, 1000, np.int16))
            session.close("stopped")
            orders.close()

        return session, stop


def read(finished: Finished) -> Recording:
    """Follow the way that the store goes: the note, then the sidecar that it points to."""
    sidecar = json.loads(Path(finished.note).read_bytes())["sidecar"]
    assert sidecar == finished.sidecar
    return Recording.model_validate_json(Path(sidecar).read_bytes())


async def until(condition: Callable[[], object], limit_s: float = 20.0) -> None:
    deadline_s = monotonic_s() + limit_s
    while not condition():
        assert monotonic_s() < deadline_s
        await asyncio.sleep(0.02)


async def test_a_look_finishes_a_recording_between_turns(tmp_path: Path) -> None:
    core = Core(tmp_path)
    await until(lambda: core.turned)
    session, stop = await core.record()
    stop()
    core.link.look(session.session)
    await until(lambda: core.finished)
    assert read(core.finished[0]).duration_s == pytest.approx(1.0, abs=0.01)
    assert core.troubles == []
    await core.link.close()
    await asyncio.wait_for(core.task, 5)


async def test_closing_finishes_first_what_was_stopped(tmp_path: Path) -> None:
    core = Core(tmp_path)
    await until(lambda: core.turned)
    _, stop = await core.record()
    stop()
    await core.link.close()
    assert [message.record_id for message in core.finished] == [1]
    assert core.link.pid is None
    await asyncio.wait_for(core.task, 5)


async def test_a_killed_writer_is_started_again_and_goes_on(tmp_path: Path) -> None:
    core = Core(tmp_path)
    await until(lambda: core.turned)
    session, stop = await core.record()
    first = core.link.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    stop()
    core.link.look(session.session)
    await until(lambda: core.finished)
    assert core.link.pid != first
    assert core.link.restarts == 1
    await core.link.close()
    await asyncio.wait_for(core.task, 5)
