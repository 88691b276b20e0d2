"""Sessions made by hand, at moments chosen by the test, for an engine whose time the test tells."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from appliance.calls.fields import CallFields
from appliance.capture.protocol import Finished, Trouble
from appliance.recording.facts import Recording
from appliance.recording.writer.engine import Engine, Outcome
from appliance.recording.writer.options import WriterOptions
from appliance.spool.journal import Journal
from appliance.spool.layout import CAPTURE_FILE, Spool
from appliance.spool.lock import FileLock, acquire_worker_lock
from appliance.spool.orders import OrderLog
from appliance.spool.records import (
    BlackoutBegan,
    BlackoutEnded,
    Claimed,
    Closed,
    FieldsChanged,
    LegOpened,
    Lost,
    Measured,
    Opened,
    Stopped,
)
from drivers.contract import LossReason, Party

Pcm = npt.NDArray[np.int16]

RATE = 8000
START_S = 50_000.0  # of the monotonic clock: an uptime of half a day
NOON = dt.datetime(2026, 11, 23, 12, 0, 0, tzinfo=dt.UTC)


def ramp(begin: int, end: int) -> Pcm:
    """Samples that tell their own number (modulo 30000), never 0."""
    return (np.arange(begin, end) % 30000 + 1).astype(np.int16)


@dataclasses.dataclass
class Session:
    """One session in the spool, its worker and its core played by the test."""

    spool: Spool
    name: str
    lock: FileLock
    orders: OrderLog
    final_path: Path
    capture: Journal | None = None
    closed: bool = False

    @property
    def folder(self) -> Path:
        return self.spool.folder(self.name)

    def claim(self, record_id: int = 1, from_s: float = 0.0, encoding: str = "pcm") -> None:
        self.orders.append(
            Claimed(
                record_id=record_id,
                global_call_id="000100000000001",
                core_id=1,
                channel=0,
                device_id="5551",
                call_instance="",
                path=str(self.final_path),
                encoding=encoding,
                started_at=NOON + dt.timedelta(seconds=from_s),
                from_mono_s=START_S + from_s,
                call_started_at=NOON,
                schedule="all",
                recording_type="schedule",
                priority=50,
                keep_days=30,
                archive_action=-1,
                fields=CallFields(ani="123"),
            )
        )

    def open(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.capture = Journal(self.folder / CAPTURE_FILE, new=True)
        self.capture.append(
            Opened(
                session=self.name,
                tap="t",
                line="0",
                lock=str(self.lock.path),
                opened_at=NOON,
                opened_mono_s=START_S,
            )
        )

    def leg(self, leg: int, party: Party, at_s: float = 0.0, skip_frames: int = 0) -> None:
        assert self.capture is not None
        self.capture.append(
            LegOpened(
                leg=leg,
                file=f"leg{leg}.pcm",
                party=party,
                rate_hz=RATE,
                started_mono_s=START_S + at_s,
                skip_frames=skip_frames,
            )
        )
        (self.folder / f"leg{leg}.pcm").touch()

    def append(self, leg: int, pcm: Pcm) -> None:
        with (self.folder / f"leg{leg}.pcm").open("ab") as file:
            file.write(pcm.astype("<i2").tobytes())

    def lose(self, leg: int, at: int, frames: int, reason: LossReason, *, in_file: bool = False) -> None:
        assert self.capture is not None
        self.capture.append(Lost(leg=leg, at_frame=at, frames=frames, reason=reason, in_file=in_file))

    def measure(self, **facts: Any) -> None:
        assert self.capture is not None
        self.capture.append(Measured(facts=facts))

    def black(self, number: int, from_s: float, until_s: float | None = None) -> None:
        self.orders.append(BlackoutBegan(number=number, from_mono_s=START_S + from_s, reason="card number"))
        if until_s is not None:
            self.unblack(number, until_s)

    def unblack(self, number: int, until_s: float) -> None:
        self.orders.append(BlackoutEnded(number=number, until_mono_s=START_S + until_s))

    def change(self, **fields: str) -> None:
        self.orders.append(FieldsChanged(fields=CallFields.model_validate(fields), keep_days=7, archive_action=2))

    def stop(self, at_s: float, reason: str = "CALLSTOP", *, interrupted: bool = False) -> None:
        self.orders.append(
            Stopped(
                at_mono_s=START_S + at_s,
                stopped_at=NOON + dt.timedelta(seconds=at_s),
                reason=reason,
                interrupted=interrupted,
            )
        )

    def close(self, at_s: float, reason: str = "stopped") -> None:
        assert self.capture is not None
        if self.closed:
            return
        self.closed = True
        self.capture.append(Closed(reason=reason, closed_mono_s=START_S + at_s), last=True)
        self.capture.close()

    def die(self) -> None:
        self.lock.release()
        if self.capture is not None:
            self.capture.close()


class Studio:
    """A box's folders, an engine on them, and a clock."""

    def __init__(self, root: Path, **options: float) -> None:
        self.root = root
        chosen: dict[str, object] = {"holdback_s": 2.0, **options}
        self.options = WriterOptions.model_validate(
            {"run_dir": root / "run", "data_dir": root / "data", "recording_path": root / "recordings", **chosen}
        )
        self.spool = Spool(self.options.run_dir)
        self.engine = Engine(self.options)
        self.outcomes: list[Outcome] = []
        self._sessions: list[Session] = []

    def session(self, name: str = "a") -> Session:
        final_path = self.root / "recordings" / "20261123" / "5551" / f"{name}.wav"
        session_name = self.spool.new_session_id("t", name)
        lock = acquire_worker_lock(self.spool, "t", 0)
        made = Session(self.spool, session_name, lock, OrderLog(self.spool, session_name), final_path)
        self._sessions.append(made)
        return made

    def recorded(self, name: str = "a", *, legs: int = 2, encoding: str = "pcm", record_id: int = 1) -> Session:
        """Begin a claimed session whose legs open at 0 s."""
        session = self.session(name)
        session.claim(record_id, encoding=encoding)
        session.open()
        for leg, party in list(enumerate((Party.CALLER, Party.AGENT)))[:legs]:
            session.leg(leg, party)
        return session

    def turn(self, at_s: float) -> None:
        self.outcomes += self.engine.turn(START_S + at_s)

    def look(self, session: Session, at_s: float) -> None:
        self.outcomes += self.engine.look(session.name, START_S + at_s)

    def restart(self, at_s: float) -> None:
        """Let a new writer take over."""
        self.engine.close()
        self.engine = Engine(self.options)
        self.outcomes += self.engine.recover(START_S + at_s)

    def finished(self) -> list[Finished]:
        return [outcome for outcome in self.outcomes if isinstance(outcome, Finished)]

    def troubles(self) -> list[tuple[str, bool]]:
        return [(outcome.kind, outcome.over) for outcome in self.outcomes if isinstance(outcome, Trouble)]

    def recording(self, n: int = 0) -> Recording:
        return Recording.model_validate_json(Path(self.finished()[n].sidecar).read_bytes())

    def audio(self, n: int = 0) -> Pcm:
        """Samples of the final file, shape (channels, frames)."""
        pcm, rate = soundfile.read(self.recording(n).filename, dtype="int16", always_2d=True)
        assert rate == RATE
        return np.ascontiguousarray(pcm.T)

    def files(self) -> list[str]:
        """Names of all files on the disk, folders left out."""
        places = (self.root / "recordings", self.root / "data")
        return sorted(p.name for place in places for p in place.rglob("*") if not p.is_dir() or p.is_symlink())

    def close(self) -> None:
        self.engine.close()
        for session in self._sessions:
            session.die()
            session.orders.close()


@contextlib.contextmanager
def studio_at(root: Path, **options: float) -> Iterator[Studio]:
    studio = Studio(root, **options)
    try:
        yield studio
    finally:
        studio.close()
