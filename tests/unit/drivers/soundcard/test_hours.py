"""Hours on one line, fed by hand: nothing grows, and the file is as far from the clock as the record says."""

from __future__ import annotations

import tracemalloc

import pytest

from drivers.contract import Line, Party
from drivers.taps.soundcard._ears import Ears
from drivers.taps.soundcard._line import CardLine
from drivers.taps.soundcard._portion import Portion
from drivers.taps.soundcard._run import Run
from drivers.taps.soundcard._session import Card
from drivers.taps.soundcard._vox import VoxRules
from tests.unit.drivers.soundcard.card import CardHost, CardSink, Pcm, noise

RATE_HZ = 8000
PPM = 40.0
HOURS = 1.5


class CountingSink(CardSink):
    """Keeps no audio."""

    frames = 0

    def open_leg(self, leg: int, party: Party, rate_hz: int, *, before_s: float = 0) -> None:
        pass

    def append(self, leg: int, pcm: Pcm, *, lost_before: int = 0) -> None:  # noqa: ARG002 - the contract's signature
        self.frames += len(pcm)


def test_hours_cost_no_memory_and_their_drift_is_recorded() -> None:
    card = Card("hw:CARD=TEST", "alsa", RATE_HZ, None, CardHost())
    line = CardLine(card, Line("1", 1, RATE_HZ), ears=Ears(VoxRules(), 0.5, RATE_HZ))
    sink, run, pcm, now_s = CountingSink("s"), Run(RATE_HZ), noise(RATE_HZ, 900)[None, :], 1000.0
    line.start(sink, now_s)
    begun_s, sizes = now_s, []
    tracemalloc.start()
    try:
        for second in range(round(HOURS * 3600)):
            now_s += (1 - PPM / 1e6) * 1.0
            at_frame = run.frames
            run.take(RATE_HZ, now_s)
            card.drift_ppm = run.drift_ppm if second % 600 == 0 else card.drift_ppm
            line.take(run, Portion.of(pcm), at_frame, serving=True)
            if second % 600 == 599:
                sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    line.close(now_s, "over")
    assert max(sizes[2:]) - sizes[2] < 50_000
    ahead_s = sink.frames / RATE_HZ - (now_s - begun_s)
    assert sink.facts["drift_ppm"] == pytest.approx(PPM, abs=0.2)
    assert ahead_s == pytest.approx(sink.facts["drift_ppm"] / 1e6 * (now_s - begun_s), abs=0.01)
