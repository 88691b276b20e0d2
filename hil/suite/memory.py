"""Where the tap puts what it records: memory, instead of the box's spool."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from drivers.contract import LossReason, Party, SessionSink, TapEvent

Pcm = npt.NDArray[np.int16]


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Lost:
    """A gap that the tap told of: frames at the stored rate."""

    at_frame: int
    frames: int
    reason: LossReason


@final
class MemorySink:
    """One session of a line of one leg, as :class:`~drivers.contract.SessionSink` has it."""

    def __init__(self, line: str, number: int = 0) -> None:
        self.line = line
        self.facts: dict[str, Any] = {}
        self.lost_frames: list[Lost] = []
        self._number = number
        self._parts: list[Pcm] = []

    @property
    def session(self) -> str:
        """See the contract."""
        return f"{self.line}-{self._number}"

    @property
    def pcm(self) -> Pcm:
        """All samples, silence where frames were lost."""
        return np.concatenate([np.zeros(0, np.int16), *self._parts])

    def open_leg(self, leg: int, party: Party, rate_hz: int, *, before_s: float = 0) -> None:
        """See the contract."""

    def append(self, leg: int, pcm: Pcm, *, lost_before: int = 0) -> None:  # noqa: ARG002 - a line here has one leg
        """See the contract."""
        if lost_before:
            self._parts.append(np.zeros(lost_before, np.int16))
        self._parts.append(pcm.copy())

    def leg_file(self, leg: int, party: Party, rate_hz: int, *, skip_frames: int = 0) -> Path:
        """See the contract; a sound card's tap writes no files."""
        raise NotImplementedError

    def lost(self, leg: int, at_frame: int, frames: int, reason: LossReason, *, in_file: bool) -> None:  # noqa: ARG002 - as above
        """See the contract."""
        self.lost_frames.append(Lost(at_frame, frames, reason))
        if not in_file:
            self._parts.append(np.zeros(frames, np.int16))

    def measured(self, facts: dict[str, Any]) -> None:
        """See the contract."""
        self.facts.update(facts)

    def close(self, reason: str) -> None:
        """See the contract."""


@final
class MemoryHost:
    """Keeps what the tap tells, and the sessions that it begins by itself."""

    def __init__(self) -> None:
        self.events: list[TapEvent] = []
        self.sessions: list[MemorySink] = []
        self._lock = threading.Lock()

    def emit(self, event: TapEvent) -> None:
        """See :class:`~drivers.contract.Host`."""
        self.events.append(event)

    def session(self, line: str) -> SessionSink:
        """See :class:`~drivers.contract.Host`."""
        with self._lock:
            self.sessions.append(MemorySink(line, len(self.sessions)))
            return self.sessions[-1]
