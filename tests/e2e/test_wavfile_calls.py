"""Files played as lines: recorded as they are, and the silence in them ends a recording that asked for it."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import soundfile

from appliance.audio import measure
from tests.e2e.conftest import Boxes
from tests.e2e.desk import Desk, check_record, read_legs

RATE = 8000


def write(path: Path, *legs: np.ndarray) -> str:
    soundfile.write(path, np.stack(legs, axis=1), RATE, subtype="PCM_16")
    return str(path)


def tone(hz: float, seconds: float, silence_s: float = 0) -> np.ndarray:
    sound = measure.make_tone(hz, RATE, round(seconds * RATE), level_dbfs=-12)
    return np.concatenate([sound, np.zeros(round(silence_s * RATE), np.int16)])


def test_max_record_silence_ends_the_recording_and_not_the_call(make_box: Boxes, tmp_path: Path) -> None:
    file = write(tmp_path / "a.wav", tone(441, 2, silence_s=30), tone(1013, 2, silence_s=30))
    with Desk(make_box([{"name": "files", "kind": "wavfile", "files": [file]}])) as desk:
        desk.start("5001", MAXRECORDSILENCE=3)
        path = desk.saved("5001", timeout_s=15)
        record = check_record(path)
        assert record["end_reason"] == "MAXRECORDSILENCE of 3 s is reached"
        assert 4.9 < record["duration_s"] < 6.9  # 2 s of sound, 3 of silence; looked at once a second
        assert desk.log.kinds_of("5001").count("CALLSTOP") == 0
        desk.send("CALLSTOP", DEVICEID="5001")
        desk.log.wait("CALLSTOP", "5001")


def test_the_end_of_a_file_ends_its_recording(make_box: Boxes, tmp_path: Path) -> None:
    sound = tone(441, 2)
    file = write(tmp_path / "a.wav", sound)
    with Desk(make_box([{"name": "files", "kind": "wavfile", "files": [file]}], recording={"encoding": "pcm"})) as desk:
        desk.start("5001")
        path = desk.saved("5001")
        assert check_record(path)["end_reason"] == "end of file"
        assert np.array_equal(read_legs(path)[:, 0], sound)  # sample for sample
        time.sleep(0.2)
        assert desk.send("CHANNELS").rows("CHANNELS/CHANNEL")[0]["STATE"] == "Idle"
