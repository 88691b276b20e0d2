"""Lines of a sound card in a whole box: by voice, always, and by CALLSTART, on one card."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pytest
import soundfile

from tests.e2e.conftest import Boxes
from tests.e2e.desk import Desk, check_record
from tests.wires.soundcard.pulse import Pulse, pulse, tones

PREROLL_S = 0.5
HANG_S = 1.5


@pytest.fixture
def server() -> Iterator[Pulse]:
    with pulse({"card": (4, 48000)}) as made:
        yield made


def lines() -> list[dict[str, object]]:
    return [
        {"name": "voice", "inputs": [1], "start": "vox", "device": "7001"},
        {"name": "round", "inputs": [2], "start": "always", "device": "7002"},
        {"name": "desk", "inputs": [3, 4]},
    ]


def test_voice_and_the_clock_start_recordings_beside_callstart(server: Pulse, make_box: Boxes) -> None:
    voice = tones([700, 800, 900, 1000], 48000, 14)
    voice[: 5 * 48000, 0] = 0
    voice[8 * 48000 :, 0] = 0
    box = make_box(
        [
            {
                "name": "card1",
                "kind": "soundcard",
                "device": "card",
                "channels": 4,
                "period_ms": 20,
                "lines": lines(),
                "vox_hang_s": HANG_S,
                "vox_preroll_s": PREROLL_S,
                "always_cut_s": 10,
            }
        ]
    )
    with Desk(box) as desk:
        server.play("card", voice, 48000)
        begun = dt.datetime.now(dt.UTC)
        desk.start("5003")
        by_voice = desk.saved("7001", timeout_s=40)
        always = desk.saved("7002", timeout_s=40)
        by_desk = desk.stop("5003")
    record = check_record(by_voice)
    pcm, _ = soundfile.read(by_voice, dtype="int16")
    loud = np.flatnonzero(np.abs(pcm) > 2000) / 8000
    assert loud[0] == pytest.approx(PREROLL_S, abs=0.1)
    assert loud[-1] - loud[0] == pytest.approx(3, abs=0.05)
    assert record["gaps"] == []
    assert record["end_reason"]
    assert len(pcm) / 8000 == pytest.approx(PREROLL_S + 3 + HANG_S, abs=0.3)
    began = dt.datetime.fromisoformat(record["started_at"])
    assert 2 < (began - begun).total_seconds() < 7
    assert check_record(always)["gaps"] == []
    assert len(soundfile.read(always)[0]) / 8000 == pytest.approx(10, abs=0.3)
    assert soundfile.info(by_desk).channels == 2
    assert check_record(by_desk)["line"] == "desk"


def test_a_silence_ends_a_recording_though_the_line_hums(server: Pulse, make_box: Boxes) -> None:
    """It hums at -32 dBFS, which is above ``silence_dbfs``, from before the card is opened on."""
    server.play("card", tones([50, 50, 50, 50], 48000, 120, peak=0.0251), 48000)
    card = {"name": "card1", "kind": "soundcard", "device": "card", "channels": 4, "period_ms": 20}
    with Desk(make_box([card])) as desk:
        desk.start("5003", MAXRECORDSILENCE=3)
        path = desk.saved("5003", timeout_s=40)
    record = check_record(path)
    assert "MAXRECORDSILENCE" in record["end_reason"]
    assert abs(soundfile.read(path)[0]).max() > 0.02, "it hummed to the end"
