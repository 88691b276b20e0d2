"""Checking recordings on disk finds each way in which a file can differ from its sidecar."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.audio import wav
from appliance.calls.fields import CallFields
from appliance.recording.facts import Gap, LegFacts, Recording
from appliance.recording.verify import recordings, verify
from appliance.recording.writer.places import sidecar_of
from drivers.contract import Party

AT = dt.datetime(2026, 11, 23, 9, 30, tzinfo=dt.UTC)
FRAMES = 4001

Change = Callable[[Path], None]


def write(audio: Path, **changes: Any) -> Path:
    """Write a good recording, or one whose sidecar has ``changes``."""
    audio.parent.mkdir(parents=True, exist_ok=True)
    octets = wav.header("ulaw", 8000, 1, FRAMES) + b"\x7f" * FRAMES + wav.trailer("ulaw", 1, FRAMES)
    audio.write_bytes(octets)
    facts: dict[str, Any] = {
        "record_id": 7,
        "global_call_id": "000100000000007",
        "core_id": 1,
        "channel": 0,
        "tap": "v",
        "line": "0",
        "session": "s",
        "device_id": "5003",
        "call_instance": "",
        "fields": CallFields(),
        "keep_days": 30,
        "archive_action": -1,
        "priority": 50,
        "schedule": "all",
        "recording_type": "Percentage",
        "call_started_at": AT,
        "started_at": AT,
        "stopped_at": AT,
        "filename": str(audio),
        "encoding": "ulaw",
        "rate_hz": 8000,
        "channels": 1,
        "frames": FRAMES,
        "duration_s": FRAMES / 8000,
        "audio_size": len(octets),
        "audio_hash": hashlib.sha256(octets).hexdigest(),
        "legs": (LegFacts(leg=0, party=Party.MIXED, channel=0, frames_captured=FRAMES, frames_lost=0),),
    }
    sidecar_of(audio).write_text(Recording(**{**facts, **changes}).model_dump_json())
    return audio


def test_a_whole_recording_is_good(tmp_path: Path) -> None:
    verdict = verify(write(tmp_path / "a.wav"))
    assert verdict.good
    assert (verdict.record_id, verdict.duration_s, verdict.interrupted) == (7, FRAMES / 8000, False)


def test_an_interrupted_recording_is_good_too_and_says_so(tmp_path: Path) -> None:
    verdict = verify(write(tmp_path / "a.wav", interrupted=True))
    assert verdict.good
    assert verdict.interrupted


def test_what_a_good_recording_lacks_is_told(tmp_path: Path) -> None:
    gaps = [
        Gap(leg=0, at_s=0.1, length_s=0.2, reason="unplugged"),
        Gap(leg=0, at_s=0.4, length_s=0.05, reason="stalled"),
    ]
    verdict = verify(write(tmp_path / "a.wav", gaps=gaps, measured={"overruns": 1, "drift_ppm": -3.25}))
    assert verdict.good
    assert (verdict.gaps, verdict.lost_s, verdict.measured["overruns"]) == (2, 0.25, 1)


def flip_a_sample(audio: Path) -> None:
    octets = bytearray(audio.read_bytes())
    octets[1000] ^= 1
    audio.write_bytes(octets)


def cut(audio: Path) -> None:
    audio.write_bytes(audio.read_bytes()[:-1000])


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (flip_a_sample, "SHA-256"),
        (cut, "bytes, the sidecar says"),
        (cut, "header: its length is not that of the file"),
        (lambda audio: audio.write_bytes(b"no audio at all"), "header: no RIFF WAVE file"),
        (lambda audio: audio.unlink(), "cannot be read: No such file"),
        (lambda audio: sidecar_of(audio).unlink(), "no sidecar: No such file"),
        (lambda audio: sidecar_of(audio).write_text("{}"), "unreadable sidecar"),
    ],
)
def test_damage_on_the_disk_is_found(change: Change, fault: str, tmp_path: Path) -> None:
    audio = write(tmp_path / "a.wav")
    change(audio)
    assert any(fault in told for told in verify(audio).faults)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"frames": 4000, "duration_s": 0.5}, "header: frames 4001, the sidecar says 4000"),
        ({"channels": 2}, "header: channels 1, the sidecar says 2"),
        ({"rate_hz": 16000, "duration_s": FRAMES / 16000}, "header: Hz 8000, the sidecar says 16000"),
        ({"encoding": "alaw"}, "header: encoding ulaw, the sidecar says alaw"),
        ({"duration_s": 9.0}, "the sidecar says 9 s, but 4001 frames"),
        ({"filename": "/elsewhere/b.wav"}, "the sidecar is that of /elsewhere/b.wav"),
    ],
)
def test_a_sidecar_that_tells_something_else_is_found(changes: dict[str, Any], fault: str, tmp_path: Path) -> None:
    assert verify(write(tmp_path / "a.wav", **changes)).faults == (fault,)


def test_nothing_is_changed(tmp_path: Path) -> None:
    audio = write(tmp_path / "a.wav")
    cut(audio)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
    verify(audio)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()} == before


def test_folders_give_their_recordings_and_sidecars_without_audio_but_none_in_progress(tmp_path: Path) -> None:
    first = write(tmp_path / "20261123" / "5003" / "5003-09-30-00.wav")
    lost = write(tmp_path / "20261124" / "5003" / "5003-09-30-00.wav")
    lost.unlink()
    (tmp_path / "20261124" / "growing.wav.part").touch()
    (tmp_path / "20261124" / "growing.wav.part.json").touch()
    (tmp_path / "notes.txt").touch()
    assert list(recordings([tmp_path])) == [first, lost]
    assert list(recordings([first])) == [first]
