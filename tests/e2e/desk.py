"""What an integrator's desk does with a box: tells it of calls, hears its events, fetches recordings."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import soundfile

from appliance.client import Answer, EventSeen
from hil.child_box import ChildBox, read_sidecar
from hil.event_log import EventLog

OK = 20
Legs = npt.NDArray[np.int16]


class Desk:
    """A client and an event subscription at one box."""

    def __init__(self, box: ChildBox) -> None:
        self.box = box
        self.client = box.client()
        self.log = EventLog(box.events())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.log.close()
        self.client.close()

    def send(self, kind: str, **values: str | int) -> Answer:
        """Send a message that must be taken."""
        answer = self.client.request({"TYPE": kind, **values})
        assert answer.code == OK, (kind, values, answer.label, answer.message)
        return answer

    def start(self, device: str, **values: str | int) -> EventSeen:
        """CALLSTART, then wait until the recording began; gives that event."""
        count = self.log.kinds_of(device).count("RECORDINGSTARTED") + 1
        self.send("CALLSTART", DEVICEID=device, **values)
        return self.log.wait("RECORDINGSTARTED", device, count=count)

    def stop(self, device: str) -> Path:
        """CALLSTOP, then wait until the recording is saved; gives its file."""
        count = self.log.kinds_of(device).count("RECORDINGUPDATE") + 1
        self.send("CALLSTOP", DEVICEID=device)
        return self.saved(device, count=count)

    def saved(self, device: str, *, count: int = 1, timeout_s: float = 10) -> Path:
        """Wait until the device's ``count``-th recording is saved; gives its file."""
        return Path(self.log.wait("RECORDINGUPDATE", device, count=count, timeout_s=timeout_s).data["FILENAME"])

    def export(self, field: str, value: str | int, media_format: str = "wav") -> tuple[Legs, int]:
        """EXPORT; gives int16 samples of shape (frames, legs), and the rate."""
        body, kind = self.box.web(
            type="export", requestid=1, uniquefield=field, uniqueid=value, media_format=media_format
        )
        assert kind.startswith("audio/"), body[:500]
        samples, rate_hz = soundfile.read(io.BytesIO(body), dtype="int16", always_2d=True)
        return samples, int(rate_hz)


def read_legs(path: Path, rate_hz: int = 8000) -> Legs:
    """Read a recording as it lies on the disk; int16 of shape (frames, legs)."""
    samples, found_hz = soundfile.read(path, dtype="int16", always_2d=True)
    assert found_hz == rate_hz
    legs: Legs = samples
    return legs


def check_record(path: Path, rate_hz: int = 8000) -> dict[str, Any]:
    """Check that the record beside a file tells the truth about it; gives the record."""
    record = read_sidecar(path)
    octets = path.read_bytes()
    assert record["filename"] == str(path)
    assert record["audio_hash"] == hashlib.sha256(octets).hexdigest()
    assert record["audio_size"] == len(octets)
    assert record["frames"] == len(read_legs(path, rate_hz))
    assert abs(record["duration_s"] - record["frames"] / record["rate_hz"]) < 0.001
    return record
