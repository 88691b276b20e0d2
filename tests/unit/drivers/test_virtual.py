from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.contract import (
    AudioLost,
    LineBusyError,
    LineIdleError,
    LineUnknownError,
    LossReason,
    MediaStarted,
    Party,
    SessionClosed,
    SessionSink,
    TapError,
    TapFailedError,
)
from drivers.taps.virtual import Tap, Tone, VirtualOptions, tone_hz
from tests.unit.drivers.memory import FakeClock, MemoryHost, MemorySink, clock

__all__ = ["clock"]

Start = Callable[..., tuple[Tap, MemoryHost]]


@pytest.fixture
def opened() -> Iterator[Start]:
    taps = []

    def make(**options: Any) -> tuple[Tap, MemoryHost]:
        parsed = VirtualOptions.model_validate({"name": "v", "kind": "virtual", **options})
        tap, host = Tap(parsed, Tap.plan(parsed)[0]), MemoryHost()
        taps.append(tap)
        tap.open(host)
        return tap, host

    yield make
    for tap in taps:
        tap.close()
    assert [t.name for t in threading.enumerate() if t.name.startswith("clock")] == []


def sine(frequency_hz: int, first_frame: int, frames: int, rate_hz: int = 8000) -> npt.NDArray[np.int16]:
    """The tone as the issue describes it, worked out without the driver's table."""
    at_s = (first_frame + np.arange(frames)) / rate_hz
    return np.round(10 ** (-16 / 20) * 32767 * np.sin(2 * np.pi * frequency_hz * at_s)).astype(np.int16)


def assert_same(got: npt.NDArray[np.int16], wanted: npt.NDArray[np.int16]) -> None:
    assert len(got) == len(wanted)
    assert np.abs(got.astype(int) - wanted).max(initial=0) <= 1  # floating point rounds a half either way


def test_frequencies() -> None:
    assert [tone_hz(n, 0, 8000) for n in (0, 1, 7, 63)] == [300, 350, 650, 3450]
    assert [tone_hz(n, 1, 8000) for n in (0, 1, 7, 59)] == [1000, 1050, 1350, 3950]
    assert [tone_hz(n, 1, 8000) for n in (60, 61)] == [1000, 1050]
    assert tone_hz(60, 1, 16000) == 4000


@given(
    line=st.integers(min_value=0, max_value=999),
    leg=st.integers(min_value=0, max_value=1),
    rate_hz=st.sampled_from([4000, 8000, 11050, 16000, 48000]),
    frame=st.integers(min_value=0, max_value=10**9),
)
def test_any_block_is_the_sine_at_its_place(line: int, leg: int, rate_hz: int, frame: int) -> None:
    frequency_hz = tone_hz(line, leg, rate_hz)
    assert frequency_hz < rate_hz / 2
    tone = Tone((frequency_hz, frequency_hz), rate_hz, 10 ** (-16 / 20))
    assert_same(tone.read(leg, frame, rate_hz), sine(frequency_hz, frame % rate_hz, rate_hz, rate_hz))


def test_level_is_that_of_a_sine_against_a_full_scale_sine() -> None:
    tone = Tone((1000,), 8000, 10 ** (-16 / 20)).read(0, 0, 8000).astype(float)
    full = 32767 * np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
    level_db = 10 * np.log10((tone**2).mean() / (full**2).mean())
    assert level_db == pytest.approx(-16, abs=0.01)
    assert tone.max() == pytest.approx(0.1585 * 32767, abs=1)


@pytest.mark.parametrize(("lines", "workers", "shares"), [(8, 1, [8]), (5, 2, [3, 2]), (2, 5, [1, 1])])
def test_plan(lines: int, workers: int, shares: list[int]) -> None:
    plans = Tap.plan(VirtualOptions(name="v", kind="virtual", lines=lines, workers=workers))
    assert [len(plan.lines) for plan in plans] == shares
    assert [plan.index for plan in plans] == list(range(len(plans)))
    assert [line.name for plan in plans for line in plan.lines] == [str(n) for n in range(lines)]


@pytest.mark.parametrize(
    "options", [{"lines": 0}, {"legs": 3}, {"rate_hz": 8001}, {"level_dbfs": 1}, {"colour": "red"}]
)
def test_options_that_cannot_work(options: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        VirtualOptions.model_validate({"name": "v", "kind": "virtual", **options})


def test_a_session_holds_exactly_its_time(opened: Start, clock: FakeClock) -> None:
    tap, host = opened()
    clock.now_s += 0.125
    sink = MemorySink()
    tap.start("3", sink)
    clock.now_s += 2.5  # later than any block is long
    tap.stop("3")
    assert sink.closed == "stopped"
    assert [leg.party for leg in sink.legs.values()] == [Party.CALLER, Party.AGENT]
    assert_same(sink.legs[0].pcm, sine(450, 1000, 20_000))
    assert_same(sink.legs[1].pcm, sine(1150, 1000, 20_000))
    assert host.events == [
        MediaStarted(line="3", session="s", legs=2),
        SessionClosed(line="3", session="s", reason="stopped"),
    ]


def test_sessions_share_one_phase_and_one_leg_is_mixed(opened: Start, clock: FakeClock) -> None:
    tap, _ = opened(legs=1, rate_hz=16000)
    for begin_s in (0.25, 3.0):
        clock.now_s = 1000 + begin_s
        sink = MemorySink()
        tap.start("0", sink)
        clock.now_s += 0.5
        tap.stop("0")
        assert sink.legs.keys() == {0}
        assert sink.legs[0].party is Party.MIXED
        assert_same(sink.legs[0].pcm, sine(300, int(begin_s * 16000), 8000, 16000))


def test_nothing_drifts_over_a_long_session(opened: Start, clock: FakeClock) -> None:
    tap, _ = opened(lines=1)
    sink = MemorySink()
    tap.start("0", sink)
    for step_s in np.random.default_rng(3).uniform(0, 0.3, 300):
        clock.now_s += step_s
        tap.poll()
    time.sleep(0.05)  # the thread hands out what is due, in pieces
    tap.stop("0")
    assert len(sink.legs[0].pcm) == int((clock.now_s - 1000) * 8000)
    assert_same(sink.legs[1].pcm, sine(1000, 0, len(sink.legs[1].pcm)))


def test_the_thread_hands_out_blocks_of_20_ms(opened: Start) -> None:
    tap, _ = opened(lines=1)
    sink = MemorySink()
    tap.start("0", sink)
    until_s = time.monotonic() + 10
    while sink.legs[0].frames < 1600 and time.monotonic() < until_s:
        time.sleep(0.02)
    assert sink.legs[0].frames >= 1600
    assert {len(block) % 160 for block in sink.legs[0].blocks} == {0}
    tap.stop("0")


@pytest.mark.parametrize(
    ("fault", "amount", "frames", "reason"),
    [("stall", 0.5, 4000, LossReason.STALLED), ("overflow", 333, 333, LossReason.OVERFLOW)],
)
def test_a_loss_is_told_in_its_place_and_time_stays_true(
    opened: Start, clock: FakeClock, fault: str, amount: float, frames: int, reason: LossReason
) -> None:
    tap, host = opened(lines=1)
    sink = MemorySink()
    tap.start("0", sink)
    clock.now_s += 1
    tap.simulate("0", fault, amount)
    clock.now_s += 1
    tap.stop("0")
    wanted = sine(1000, 0, 16_000)
    wanted[8000 : 8000 + frames] = 0
    assert sink.legs[0].losses == sink.legs[1].losses == [(8000, frames, reason)]
    assert_same(sink.legs[1].timeline(), wanted)
    assert [e for e in host.events if isinstance(e, AudioLost)] == [
        AudioLost(line="0", session="s", leg=leg, frames=frames, reason=reason) for leg in (0, 1)
    ]


def test_a_stall_that_the_stop_cuts_short_is_told_up_to_there(opened: Start, clock: FakeClock) -> None:
    tap, _ = opened(lines=1)
    sink = MemorySink()
    tap.start("0", sink)
    clock.now_s += 1
    tap.simulate("0", "stall", 60)
    tap.simulate("0", "overflow", 10)  # one after the other
    clock.now_s += 1
    time.sleep(0.05)
    assert sink.legs[0].losses == []  # a device that stalls does not say so
    tap.stop("0")
    assert [loss[:2] for loss in sink.legs[0].losses] == [(8000, 8000)]
    assert sink.legs[0].frames == 16_000


def test_drop_ends_the_session_and_frees_the_line(opened: Start, clock: FakeClock) -> None:
    tap, host = opened(lines=1)
    sink = MemorySink()
    tap.start("0", sink)
    clock.now_s += 0.5
    tap.simulate("0", "drop", 0)
    assert sink.closed == "line dropped"
    assert sink.legs[0].frames == 4000
    assert host.events[-1] == SessionClosed(line="0", session="s", reason="line dropped")
    with pytest.raises(LineIdleError):
        tap.stop("0")
    tap.start("0", MemorySink("t"))


def test_verbs_that_do_not_fit_are_refused(opened: Start) -> None:
    tap, _ = opened(lines=1)
    with pytest.raises(LineUnknownError):
        tap.start("1", MemorySink())
    with pytest.raises(LineIdleError):
        tap.simulate("0", "stall", 1)
    tap.start("0", MemorySink())
    refused = MemorySink()
    with pytest.raises(LineBusyError):
        tap.start("0", refused)
    assert refused.legs == {}
    for fault, amount in [("stall", 0), ("stall", -1), ("overflow", float("inf")), ("stall", float("nan")), ("x", 1)]:
        with pytest.raises(TapError):
            tap.simulate("0", fault, amount)


def test_close_ends_every_session_once(opened: Start, clock: FakeClock) -> None:
    tap, _ = opened(lines=3)
    sinks = [MemorySink(str(n)) for n in range(3)]
    for n, sink in enumerate(sinks):
        tap.start(str(n), sink)
    clock.now_s += 1
    tap.close()
    assert [sink.closed for sink in sinks] == ["tap closed"] * 3
    assert [sink.legs[1].frames for sink in sinks] == [8000] * 3


def test_close_without_open_is_harmless() -> None:
    options = VirtualOptions(name="v", kind="virtual")
    Tap(options, Tap.plan(options)[0]).close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_in_the_thread_is_told_by_poll(opened: Start) -> None:
    class Broken(MemorySink):
        def append(self, *_: Any, **__: Any) -> None:
            raise ZeroDivisionError

    tap, _ = opened(lines=1)
    sink: SessionSink = Broken()
    tap.start("0", sink)
    assert tap._thread is not None
    tap._thread.join(10)
    with pytest.raises(TapFailedError):
        tap.poll()
    tap._sessions.clear()
