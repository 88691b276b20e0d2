"""A host and sinks in memory, and a clock that stands until it is moved."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from drivers.contract import Host, LossReason, Party, SessionSink, TapEvent


@dataclasses.dataclass
class Leg:
    party: Party
    rate_hz: int
    blocks: list[npt.NDArray[np.int16]] = dataclasses.field(default_factory=list)
    losses: list[tuple[int, int, LossReason]] = dataclasses.field(default_factory=list)

    @property
    def frames(self) -> int:
        """Length of the time line: captured and lost frames."""
        return sum(map(len, self.blocks)) + sum(frames for _, frames, _ in self.losses)

    @property
    def pcm(self) -> npt.NDArray[np.int16]:
        return np.concatenate([np.zeros(0, np.int16), *self.blocks])

    def timeline(self) -> npt.NDArray[np.int16]:
        """Samples with silence where frames were lost."""
        out = self.pcm
        for at, frames, _ in self.losses:
            out = np.concatenate([out[:at], np.zeros(frames, np.int16), out[at:]])
        return out


class MemorySink(SessionSink):
    def __init__(self, session: str = "s") -> None:
        self._session = session
        self.legs: dict[int, Leg] = {}
        self.closed: str | None = None

    @property
    def session(self) -> str:
        return self._session

    def open_leg(self, leg: int, party: Party, rate_hz: int, *, before_s: float = 0) -> None:  # noqa: ARG002 - the contract's signature
        assert leg not in self.legs
        self.legs[leg] = Leg(party, rate_hz)

    def append(self, leg: int, pcm: npt.NDArray[np.int16], *, lost_before: int = 0) -> None:
        assert self.closed is None
        assert lost_before == 0
        assert pcm.dtype == np.int16
        assert 0 < len(pcm) <= self.legs[leg].rate_hz
        self.legs[leg].blocks.append(pcm.copy())

    def leg_file(self, leg: int, party: Party, rate_hz: int, *, skip_frames: int = 0) -> Path:
        raise NotImplementedError

    def lost(self, leg: int, at_frame: int, frames: int, reason: LossReason, *, in_file: bool) -> None:
        assert self.closed is None
        assert not in_file
        assert at_frame == self.legs[leg].frames, "a loss that is not at the end of the leg"
        self.legs[leg].losses.append((at_frame, frames, reason))

    def measured(self, facts: dict[str, Any]) -> None:
        raise NotImplementedError

    def close(self, reason: str) -> None:
        assert self.closed is None, "closed twice"
        self.closed = reason


class MemoryHost(Host):
    def __init__(self) -> None:
        self.events: list[TapEvent] = []

    def emit(self, event: TapEvent) -> None:
        self.events.append(event)

    def session(self, line: str) -> SessionSink:
        raise NotImplementedError


class FakeClock:
    """Stands in for :mod:`time` in drivers.clocked."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    made = FakeClock()
    monkeypatch.setattr("drivers.clocked.time", made)
    return made
