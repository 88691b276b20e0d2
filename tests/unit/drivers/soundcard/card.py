"""A host that makes sessions, a card that is not there, and lines that are fed by hand."""

from __future__ import annotations

import math
from typing import Any, final

import numpy as np
import numpy.typing as npt

from drivers.contract import Line, LossReason, SessionSink, TapEvent
from drivers.taps.soundcard._ears import Ears
from drivers.taps.soundcard._line import CardLine
from drivers.taps.soundcard._portion import Portion, Samples
from drivers.taps.soundcard._rate import rate
from drivers.taps.soundcard._run import Run
from drivers.taps.soundcard._session import Card
from tests.unit.drivers.memory import MemoryHost, MemorySink

Pcm = npt.NDArray[np.int16]


class CardSink(MemorySink):
    def __init__(self, session: str) -> None:
        super().__init__(session)
        self.facts: dict[str, Any] = {}

    def measured(self, facts: dict[str, Any]) -> None:
        assert self.closed is None
        self.facts.update(facts)


class CardHost(MemoryHost):
    """Keeps the sinks that lines asked for; ``full`` has no room for a further one."""

    def __init__(self) -> None:
        super().__init__()
        self.sinks: list[CardSink] = []
        self.full = False

    def session(self, line: str) -> SessionSink:
        if self.full:
            raise OSError("the spool is full")
        self.sinks.append(CardSink(f"{line}-{len(self.sinks)}"))
        return self.sinks[-1]

    def told(self) -> list[str]:
        return [name for name in map(_name, self.events) if name != "audio_lost"]


def _name(event: TapEvent) -> str:
    return str(getattr(event, "event", ""))


@final
class Bench:
    """A card's line and time: audio goes by in blocks of 50 ms, from moment 100 on."""

    def __init__(
        self,
        rate_hz: int = 8000,
        line_rate_hz: int = 8000,
        legs: int = 1,
        *,
        ears: Ears | None = None,
        always_cut_s: float | None = None,
        resampler: str = "fir",
    ) -> None:
        self.host = CardHost()
        self.card = Card("hw:CARD=TEST", "alsa", rate_hz, None, self.host)
        line = Line("1", legs, line_rate_hz)
        self.line = CardLine(self.card, line, device="5003", ears=ears, always_cut_s=always_cut_s, gone_s=2)
        self.now_s = 100.0
        self.run: Run | None = None
        self.reason: LossReason | None = None
        self._rate = rate(rate_hz, line_rate_hz, legs, resampler)
        self._line_rate_hz = line_rate_hz
        self._block = rate_hz // 20

    def play(self, pcm: Pcm, *, serving: bool = True) -> None:
        """Let samples of shape (frames,) or (legs, frames) be captured."""
        rows = np.atleast_2d(pcm)
        self.run = self.run or Run(self.card.rate_hz, self._line_rate_hz)
        for at in range(0, rows.shape[1], self._block):
            block = rows[:, at : at + self._block]
            portion = _portion(self._rate.take(np.ascontiguousarray(block.T)))
            first, begins = self.run.frames, math.isnan(self.run.first_s)
            self.now_s += block.shape[1] / self.card.rate_hz
            self.run.take(block.shape[1], self.now_s, portion.frames)
            if begins and self.reason is not None:
                self.line.miss(self.run.first_s, self.reason)
            self.line.take(self.run, portion, first, serving=serving)

    def settle(self) -> None:
        """Let the card end its run with what the resampler holds."""
        assert self.run is not None
        last, first = _portion(self._rate.flush()), self.run.frames
        self.run.frames += last.frames
        self.line.take(self.run, last, first, serving=False)

    def pull(self, seconds: float, reason: LossReason) -> None:
        """Let the card be away for so long."""
        self.reason = reason
        if self.run is not None:
            self.settle()
            self.line.break_off(self.run.at_s(self.run.frames))
            self.run = None
        end_s = self.now_s + seconds
        while self.now_s < end_s - 1e-9:
            self.now_s = min(end_s, self.now_s + 0.5)
            self.line.miss(self.now_s, reason)


def _portion(frames: Pcm | Samples) -> Portion:
    return Portion.of(np.ascontiguousarray(np.rint(frames.T)).astype(np.int16))


def noise(frames: int, rms: float, seed: int = 1) -> npt.NDArray[np.int16]:
    pcm: npt.NDArray[np.int16] = np.round(np.random.default_rng(seed).normal(0, rms, frames)).astype(np.int16)
    return pcm


def sine(frequency_hz: float, frames: int, rate_hz: int, peak: float = 5000) -> npt.NDArray[np.int16]:
    pcm: npt.NDArray[np.int16] = np.round(peak * np.sin(2 * np.pi * frequency_hz * np.arange(frames) / rate_hz)).astype(
        np.int16
    )
    return pcm
