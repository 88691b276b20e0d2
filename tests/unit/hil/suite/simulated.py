"""A bench by arithmetic: what is recorded is what was played, spoilt as a test says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hil.rigfile import Wire
from hil.suite.bench import Bench, MakeWave, Recording
from hil.suite.memory import Lost, MemorySink

Wave = npt.NDArray[np.float64]
Spoil = Callable[[str, dict[str, Wave], int], Wave]
"""Gives what a line records: its name, what every line was played, and the rate."""

_LEAD_FRAMES = 700


@dataclasses.dataclass
class Truth:
    """What the bench is like."""

    spoil: Spoil = lambda line, waves, _: waves[line]
    lost: Mapping[str, tuple[Lost, ...]] = dataclasses.field(default_factory=dict)
    drift_ppm: float = 3.0
    calls: int = 2
    late_s: float = 0.0


def simulate(patch: pytest.MonkeyPatch, truth: Truth) -> None:
    """Put the arithmetic in the place of the cards."""

    def record(self: Bench, make: MakeWave, *, times: int = 1) -> dict[str, Recording]:
        waves = {wire.line: np.tile(make(wire, wire.card.rate_hz), times) for wire in self.wires}
        return {wire.line: _recording(wire, waves, truth) for wire in self.wires}

    def wait_for_voice(self: Bench, make: MakeWave, **vox: float) -> dict[str, list[MemorySink]]:
        return {wire.line: [_call(wire, vox, truth) for _ in range(truth.calls)] for wire in self.wires}

    patch.setattr(Bench, "record", record)
    patch.setattr(Bench, "wait_for_voice", wait_for_voice)


def _recording(wire: Wire, waves: dict[str, Wave], truth: Truth) -> Recording:
    rate_hz = wire.card.rate_hz
    gains = {wire.line: 10 ** (wire.gain_db / 20) * wire.polarity}
    heard = truth.spoil(wire.line, waves, rate_hz) * gains[wire.line]
    quiet = np.zeros(_LEAD_FRAMES)
    noise = np.random.default_rng(len(wire.line)).normal(0, 10 ** (-80 / 20), len(heard) + 2 * _LEAD_FRAMES)
    pcm = np.round(32767 * np.clip(np.concatenate([quiet, heard, quiet]) + noise, -1, 1)).astype(np.int16)
    facts: dict[str, Any] = {"drift_ppm": truth.drift_ppm}
    return Recording(
        pcm, rate_hz, 100.0, 100.0 + _LEAD_FRAMES / rate_hz - 0.02, 0, truth.lost.get(wire.line, ()), facts
    )


def _call(wire: Wire, vox: Mapping[str, float], truth: Truth) -> MemorySink:
    rate_hz, sink = wire.card.rate_hz, MemorySink(wire.line)
    lead = np.zeros(round((vox["vox_preroll_s"] - truth.late_s) * rate_hz), np.int16)
    sink.append(0, np.concatenate([lead, np.full(rate_hz // 2, 9000, np.int16)]))
    return sink
