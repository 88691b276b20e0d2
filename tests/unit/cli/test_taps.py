"""The table of taps comes from the box's own door."""

from __future__ import annotations

import asyncio
import datetime as dt
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.capture.supervisor import TapStatus
from appliance.cli.taps import taps_here
from appliance.control import ControlSocket, SimulateFault

BUSY = TapStatus(workers=3, workers_up=3, restarts=0, renewals=2, refused_calls=7, lost_frames=160)
AT = dt.datetime(2026, 11, 28, 9, 30, tzinfo=dt.UTC)
FAULTY = TapStatus(1, 0, 4, 0, 0, 0, fault="cannot listen on 127.0.0.1:5060", fault_at=AT)


@pytest.fixture
def run_dir() -> Iterator[Path]:
    """A short path: that of a socket has 108 octets at most."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


async def nothing(_: SimulateFault) -> None:
    raise NotImplementedError


async def test_every_tap_has_its_workers_and_its_last_fault(run_dir: Path) -> None:
    config = run_dir / "linetap.toml"
    config.write_text(f'[box]\nrun_dir = "{run_dir}"\n')
    assert taps_here(config) == []
    control = ControlSocket(run_dir, str, lambda: {"sbc": BUSY, "old": FAULTY}, nothing)
    await control.start()
    busy, faulty = await asyncio.to_thread(taps_here, config)
    await control.stop()
    assert busy == {
        "TAP": "sbc",
        "WORKERS": "3 of 3",
        "RESTARTS": "0",
        "REFUSED": "7",
        "LOST": "160",
        "LAST FAULT": "",
    }
    assert (faulty["WORKERS"], faulty["RESTARTS"]) == ("0 of 1", "4")
    assert faulty["LAST FAULT"] == f"{AT.astimezone():%Y-%m-%d %H:%M:%S} cannot listen on 127.0.0.1:5060"
