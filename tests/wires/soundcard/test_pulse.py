"""Four lines of a card at once, by both backends, through ALSA, PortAudio and PulseAudio as they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from drivers.contract import LineFault, LossReason, TapOptionsError
from drivers.taps.soundcard import Options, Tap
from tests.unit.drivers.soundcard.card import CardHost, CardSink
from tests.wires.soundcard.pulse import Pulse, phase_jumps, pulse, tones

pytestmark = pytest.mark.wires

TONES_HZ = [404, 610, 1015, 1830]


@pytest.fixture
def server() -> Iterator[Pulse]:
    with pulse({"card": (4, 48000), "slow": (1, 8000)}) as made:
        yield made


def opened(host: CardHost, **more: Any) -> Tap:
    options = Options.model_validate(
        {"name": "t", "kind": "soundcard", "device": "card", "channels": 4, "period_ms": 20, **more}
    )
    tap = Tap(options, Tap.plan(options)[0])
    try:
        tap.open(host)
    except TapOptionsError:
        tap.close()
        raise
    tap.poll()
    return tap


def until(true: Callable[[], object], timeout_s: float = 15) -> None:
    end_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end_s
        time.sleep(0.02)


@pytest.mark.parametrize("backend", ["alsa", "portaudio"])
@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_four_lines_have_their_tones_without_a_gap(server: Pulse, backend: str, rate_hz: int) -> None:
    server.play("card", tones(TONES_HZ, 48000, 30), 48000)
    host, sinks = CardHost(), [CardSink(str(n)) for n in range(4)]
    tap = opened(host, backend=backend, rate_hz=rate_hz, full_scale_dbm0=3.14)
    try:
        until(lambda: _sounds(tap))
        begun_s = time.monotonic()
        for n, sink in enumerate(sinks, 1):
            tap.start(str(n), sink)
        until(lambda: all(sink.legs[0].frames > 3 * rate_hz for sink in sinks))
        lasted = []
        for n in range(1, 5):
            lasted.append(time.monotonic() - begun_s)
            tap.stop(str(n))
    finally:
        tap.close()
    for sink, frequency_hz, lasted_s in zip(sinks, TONES_HZ, lasted, strict=True):
        leg = sink.legs[0]
        assert (leg.losses, leg.rate_hz) == ([], rate_hz)
        assert len(leg.pcm) / rate_hz == pytest.approx(lasted_s, abs=0.4)
        assert phase_jumps(leg.pcm[rate_hz // 20 : -rate_hz // 20], frequency_hz, rate_hz) < 0.005
        assert sink.facts["leg0"]["level_dbfs"] == pytest.approx(-16, abs=0.1)
        assert sink.facts["leg0"]["level_dbm0"] == pytest.approx(-12.86, abs=0.1)
    assert not [event for event in host.events if isinstance(event, LineFault)]


def _sounds(tap: Tap) -> bool:
    """Tell whether the tone has come through the server, by a session of a moment."""
    sink = CardSink("probe")
    tap.start("1", sink)
    time.sleep(0.2)
    tap.stop("1")
    return bool(np.abs(sink.legs[0].pcm).max(initial=0) > 5000)


@pytest.mark.parametrize("backend", ["alsa", "portaudio"])
def test_a_card_that_stands_still_is_a_gap_and_goes_on(server: Pulse, backend: str) -> None:
    host, sink = CardHost(), CardSink("s")
    tap = opened(host, backend=backend, device="slow", channels=1, card_rate_hz=8000, stall_s=0.5)
    try:
        begun_s = time.monotonic()
        tap.start("1", sink)
        until(lambda: len(sink.legs[0].pcm) > 4000)
        server.suspend("slow", suspended=True)
        until(lambda: sink.legs[0].losses)
        server.suspend("slow", suspended=False)
        before = len(sink.legs[0].pcm)
        until(lambda: len(sink.legs[0].pcm) > before + 4000)
        tap.stop("1")
        lasted_s = time.monotonic() - begun_s
    finally:
        tap.close()
    assert {reason for _, _, reason in sink.legs[0].losses} == {LossReason.STALLED}
    # PortAudio's first block after a stall comes late by what it buffers, 0.33 to 0.43 s: the gap is longer by it.
    assert sink.legs[0].frames / 8000 == pytest.approx(lasted_s, abs=0.6)
    assert sink.facts["reopened"] >= 1


@pytest.mark.parametrize("backend", ["alsa", "portaudio"])
def test_a_card_that_is_not_there_is_told_and_waited_for(server: Pulse, backend: str) -> None:
    host, sink = CardHost(), CardSink("s")
    tap = opened(host, backend=backend, device="nowhere", channels=1)
    try:
        tap.start("1", sink)
        time.sleep(0.7)
        tap.stop("1")
    finally:
        tap.close()
    assert [type(event) for event in host.events if isinstance(event, LineFault)] == [LineFault]
    assert sink.legs[0].frames / 8000 == pytest.approx(0.7, abs=0.2)


def test_a_card_with_too_few_inputs_is_refused(server: Pulse) -> None:
    with pytest.raises(TapOptionsError, match="32 inputs, not 40"):
        opened(CardHost(), backend="portaudio", channels=40)
