from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.calls.fields import CallFields
from appliance.recording.facts import Blackout, Gap, LegFacts, Recording
from appliance.store.store import Store
from drivers.contract import Party

MakeRecording = Callable[..., Recording]


def _recording(record_id: int = 1, *, fields: dict[str, Any] | None = None, **changes: Any) -> Recording:
    started_at = dt.datetime(2026, 3, 4, 5, 6, 7, 250_000, dt.UTC) + dt.timedelta(seconds=record_id)
    facts: dict[str, Any] = {
        "record_id": record_id,
        "global_call_id": f"0001{record_id:011d}",
        "core_id": 1,
        "channel": 3,
        "tap": "trunk",
        "line": "line3",
        "session": f"s-{record_id}",
        "device_id": "5003",
        "call_instance": "A",
        "fields": CallFields(**{"device_alias": "DESK1", "ani": "5551000", **(fields or {})}),
        "keep_days": 30,
        "archive_action": -1,
        "priority": 50,
        "schedule": "all",
        "recording_type": "Percentage",
        "call_started_at": started_at,
        "started_at": started_at,
        "stopped_at": started_at + dt.timedelta(seconds=12.5),
        "filename": f"/rec/20260304/DESK1/DESK1-{record_id}.wav",
        "encoding": "ulaw",
        "rate_hz": 8000,
        "channels": 2,
        "frames": 100_000,
        "duration_s": 12.5,
        "audio_size": 200_058,
        "audio_hash": f"{record_id:064x}",
        "legs": (LegFacts(leg=0, party=Party.CALLER, channel=0, frames_captured=100_000, frames_lost=0),),
        "gaps": (Gap(leg=0, at_s=1.5, length_s=0.02, reason="packets lost"),),
        "blackouts": (Blackout(from_s=2, until_s=3, reason="card"),),
        "measured": {"drift_ppm": 1.5, "packets": 600},
    }
    return Recording(**(facts | changes))


@pytest.fixture(scope="session")
def make_recording() -> MakeRecording:
    return _recording


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(tmp_path / "data", 1, busy_s=0.3)
    await opened.open()
    yield opened
    await opened.close()
