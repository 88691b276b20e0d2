"""Voice against noise: the detector by itself, and the calls that it makes on a line."""

from __future__ import annotations

import dataclasses
import io
import subprocess
from collections.abc import Iterator

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given
from hypothesis import strategies as st

from drivers.contract import CallArrived, CallLeft, LossReason, SessionOpened
from drivers.taps.soundcard._ears import Ears
from drivers.taps.soundcard._vox import Vox, VoxRules
from tests.unit.drivers.soundcard.card import Bench, CardSink, Pcm, noise, sine

RATE_HZ = 8000
PREROLL_S = 0.5
HANG_S = 2.0


def bench_with_ears(rate_hz: int = RATE_HZ) -> Bench:
    return Bench(rate_hz, ears=Ears(VoxRules(hang_s=HANG_S), PREROLL_S, rate_hz))


# --- the detector -------------------------------------------------------------------------------------------------


def voice_of(vox: Vox, *levels_dbfs: tuple[float, float]) -> list[float]:
    """Feed (level, seconds) in turn; gives the moments at which voice began or ended."""
    changes, moment_s = [], 0.0
    for level_dbfs, seconds in levels_dbfs:
        for _ in range(round(seconds * 100)):
            before, moment_s = vox.voice, moment_s + 0.01
            vox.take([level_dbfs])
            if vox.voice != before:
                changes.append(round(moment_s, 2))
    return changes


def test_voice_begins_above_the_noise_and_ends_after_the_hang_over() -> None:
    vox = Vox(VoxRules(hang_s=1))
    assert voice_of(vox, (-50, 1), (-30, 1), (-50, 3)) == [1.03, 3.0]


def test_a_click_is_no_voice() -> None:
    assert voice_of(Vox(VoxRules()), (-60, 1), (-10, 0.02), (-60, 2)) == []


def test_what_began_at_the_onset_goes_on_somewhat_below_it() -> None:
    steady = Vox(VoxRules(onset_db=9, hysteresis_db=4, hang_s=0.5))
    assert voice_of(steady, (-50, 1), (-40.5, 0.2), (-43, 1), (-50, 1)) == [1.03, 2.7]
    strict = Vox(VoxRules(onset_db=9, hysteresis_db=0, hang_s=0.5))
    assert voice_of(strict, (-50, 1), (-40.5, 0.2), (-43, 1), (-50, 1)) == [1.03, 1.7]


def test_a_noise_that_stays_becomes_the_floor_but_never_what_is_loud() -> None:
    vox = Vox(VoxRules(hang_s=1))
    began, ended = voice_of(vox, (-60, 2), (-40, 60))
    assert began == pytest.approx(2.03)
    assert 10 < ended < 30
    assert voice_of(Vox(VoxRules(hang_s=1)), (-60, 2), (-20, 120)) == [2.03]


def test_what_is_very_quiet_is_never_voice() -> None:
    assert voice_of(Vox(VoxRules()), (-120, 2), (-60, 2), (-120, 2), (-56, 1)) == []


@given(
    st.lists(st.tuples(st.sampled_from([-120, -60, -57, -50, -44, -38, -30, -20]), st.integers(1, 60)), max_size=12),
    st.lists(st.integers(1, 50), min_size=1, max_size=40),
)
def test_windows_taken_at_once_are_those_taken_one_by_one(steps: list[tuple[int, int]], lengths: list[int]) -> None:
    random = np.random.default_rng(len(steps))
    levels = [level + float(random.normal(0, 0.5)) for level, windows in steps for _ in range(windows)]
    rules = VoxRules(hang_s=0.2)
    together, one_by_one, at = Vox(rules), Vox(rules), 0
    for length in lengths:
        part, at = levels[at : at + length], at + length
        began = together.take(part)
        begins = [number for number, level in enumerate(part) if one_by_one.take([level]) is not None]
        assert began == (begins[-1] if begins else None)
        assert (together.voice, together.quiet_s) == (one_by_one.voice, one_by_one.quiet_s)
        assert together.floor_dbfs == pytest.approx(one_by_one.floor_dbfs)


@pytest.mark.parametrize("rms", [0.0, 3.0, 60.0, 600.0])
def test_noise_alone_is_no_voice(rms: float) -> None:
    bench = bench_with_ears()
    bench.play(noise(120 * RATE_HZ, rms))
    hum = noise(60 * RATE_HZ, rms) + sine(50, 60 * RATE_HZ, RATE_HZ, 2 * rms)
    bench.play(hum.astype(np.int16))
    assert bench.host.told() == []


# --- spoken files -------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Script:
    """What is said: phrases and where they stand, in seconds."""

    pcm: Pcm
    phrases: list[tuple[float, float]]


def spoken(text: str) -> Pcm:
    octets = subprocess.run(["espeak-ng", "--stdout", text], check=True, capture_output=True, timeout=30).stdout
    speech, rate_hz = soundfile.read(io.BytesIO(octets), dtype="int16")
    pcm: Pcm = soxr.resample(speech, rate_hz, RATE_HZ)
    loud = np.flatnonzero(np.abs(pcm) > 300)
    return (pcm[loud[0] : loud[-1] + 1] / 4).astype(np.int16)  # some -26 dBFS


@pytest.fixture(scope="module", params=[3, 40], ids=["quiet line", "noisy line"])
def script(request: pytest.FixtureRequest) -> Script:
    """Phrases with pauses shorter and longer than the hang-over, the first sounds weak ones."""
    parts, phrases, frames = [], [], 0
    for pause_s, text in (
        (3.0, "Four hundred shares, please."),
        (1.0, "Sell them first thing."),
        (4.0, "Hello? Who is there?"),
        (6.0, "So be it."),
    ):
        pause, phrase = np.zeros(round(pause_s * RATE_HZ), np.int16), spoken(text)
        begin = frames + len(pause)
        frames = begin + len(phrase)
        phrases.append((begin / RATE_HZ, frames / RATE_HZ))
        parts += [pause, phrase]
    parts.append(np.zeros(4 * RATE_HZ, np.int16))
    whole = np.concatenate(parts)
    return Script((whole + noise(len(whole), request.param)).astype(np.int16), phrases)


def calls(bench: Bench) -> Iterator[tuple[str, CardSink]]:
    by_session = {sink.session: sink for sink in bench.host.sinks}
    return ((event.event, by_session[event.session]) for event in bench.host.events if isinstance(event, CallArrived))


def place_in(script: Script, pcm: Pcm) -> tuple[float, float]:
    """Where a recording stands in the script, exactly."""
    found = script.pcm.tobytes().find(pcm.tobytes())
    assert found >= 0, "the recording is no part of what was played"
    return found / 2 / RATE_HZ, found / 2 / RATE_HZ + len(pcm) / RATE_HZ


def test_a_spoken_file_gives_the_recordings_of_its_script_first_syllables_included(script: Script) -> None:
    bench = bench_with_ears()
    bench.play(script.pcm)
    (first_from, _), (_, first_to), *others = script.phrases
    wanted = [(first_from, first_to), *others]
    assert len(bench.host.sinks) == len(wanted)
    for sink, (begin_s, end_s) in zip(bench.host.sinks, wanted, strict=True):
        at_s, until_s = place_in(script, sink.legs[0].pcm)
        assert begin_s - PREROLL_S - 0.2 <= at_s <= begin_s - 0.25
        assert end_s + HANG_S - 0.4 <= until_s <= end_s + HANG_S + 0.2
        assert sink.closed == "no voice"
    assert bench.host.told() == ["call_arrived", "media_started", "session_closed", "call_left"] * 3
    arrived = next(event for event in bench.host.events if isinstance(event, CallArrived))
    assert (arrived.device, arrived.session) == ("5003", bench.host.sinks[0].session)
    assert arrived.arrived_mono_s - 100 == pytest.approx(place_in(script, bench.host.sinks[0].legs[0].pcm)[0], abs=0.01)


def test_the_pre_roll_is_at_most_what_was_captured() -> None:
    bench = bench_with_ears()
    bench.play(np.concatenate([noise(RATE_HZ * 2 // 5, 3), sine(700, RATE_HZ, RATE_HZ)]))
    assert bench.host.sinks[0].legs[0].frames == RATE_HZ * 7 // 5


def test_stop_within_a_call_opens_a_further_session_without_a_seam() -> None:
    bench = bench_with_ears()
    pcm = np.concatenate([noise(RATE_HZ * 2, 3), sine(700, 3 * RATE_HZ, RATE_HZ), noise(RATE_HZ * 4, 3)])
    bench.play(pcm[: 4 * RATE_HZ])
    bench.line.stop(bench.now_s)
    bench.play(pcm[4 * RATE_HZ :])
    first, second = bench.host.sinks
    joined = np.concatenate([first.legs[0].pcm, second.legs[0].pcm])
    begin = 2 * RATE_HZ - RATE_HZ // 2 - 160
    np.testing.assert_array_equal(joined, pcm[begin : begin + len(joined)])
    assert [type(e) for e in bench.host.events if isinstance(e, SessionOpened | CallLeft)] == [SessionOpened, CallLeft]
    left = next(event for event in bench.host.events if isinstance(event, CallLeft))
    assert left.session == second.session


def test_no_call_begins_before_the_worker_serves_nor_on_a_line_that_was_started() -> None:
    bench, sink = bench_with_ears(), CardSink("s")
    bench.play(noise(RATE_HZ, 3))
    bench.play(sine(700, RATE_HZ, RATE_HZ), serving=False)
    assert bench.host.told() == []
    bench.line.start(sink, bench.now_s)
    bench.play(sine(700, RATE_HZ, RATE_HZ))
    bench.line.stop(bench.now_s)
    assert "call_arrived" not in bench.host.told()
    bench.play(sine(700, RATE_HZ, RATE_HZ))
    assert bench.host.told()[-2:] == ["call_arrived", "media_started"]
    assert bench.host.sinks[0].legs[0].frames == RATE_HZ, "what the session before had is not recorded twice"


def test_a_card_that_stays_away_ends_the_call_and_its_return_begins_none() -> None:
    bench = bench_with_ears()
    bench.play(np.concatenate([noise(RATE_HZ, 3), sine(700, RATE_HZ, RATE_HZ)]))
    bench.pull(1.0, LossReason.UNPLUGGED)
    bench.play(sine(700, RATE_HZ, RATE_HZ))
    assert len(bench.host.sinks) == 1
    assert sum(frames for _, frames, _ in bench.host.sinks[0].legs[0].losses) == pytest.approx(RATE_HZ, abs=2)
    bench.pull(10.0, LossReason.UNPLUGGED)
    bench.play(noise(2 * RATE_HZ, 3))
    assert [event.reason for event in bench.host.events if isinstance(event, CallLeft)] == ["no card: unplugged"]
    assert len(bench.host.sinks) == 1


# --- always -------------------------------------------------------------------------------------------------------


def test_a_line_that_records_always_has_call_after_call_without_a_seam() -> None:
    bench, pcm = Bench(always_cut_s=10), noise(25 * RATE_HZ, 1000)
    bench.play(pcm[:RATE_HZ], serving=False)
    bench.play(pcm[RATE_HZ:])
    bench.line.close(bench.now_s, "tap closed")
    np.testing.assert_array_equal(np.concatenate([s.legs[0].pcm for s in bench.host.sinks]), pcm[RATE_HZ:])
    assert [round(len(sink.legs[0].pcm) / RATE_HZ) for sink in bench.host.sinks] == [10, 10, 4]
    assert bench.host.told() == ["call_arrived", "media_started", "session_closed", "call_left"] * 3


def test_a_spool_without_room_is_told_and_tried_again() -> None:
    bench, pcm = Bench(always_cut_s=100), noise(12 * RATE_HZ, 1000)
    bench.host.full = True
    bench.play(pcm[: 6 * RATE_HZ])
    assert bench.host.told() == ["line_fault", "line_fault"]
    bench.host.full = False
    bench.play(pcm[6 * RATE_HZ :])
    assert bench.host.told()[2:] == ["call_arrived", "media_started"]


def test_hang_up_ends_a_call_and_the_next_begins() -> None:
    bench, pcm = Bench(always_cut_s=100), noise(2 * RATE_HZ, 1000)
    bench.play(pcm[:RATE_HZ])
    bench.line.hang_up(bench.now_s, "enough")
    bench.play(pcm[RATE_HZ:])
    assert [sink.closed for sink in bench.host.sinks] == ["enough", None]
