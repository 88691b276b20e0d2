"""Sessions through the line that holds them: length, gaps, rates."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from drivers.contract import LineBusyError, LineIdleError, LossReason, Party
from tests.unit.drivers.soundcard.card import Bench, CardSink, noise, sine


def test_a_session_begins_and_ends_in_the_middle_of_blocks() -> None:
    bench, pcm = Bench(), noise(8000 * 3, 5000)
    bench.play(pcm[:4000])
    sink = CardSink("s")
    bench.line.start(sink, bench.now_s + 0.0125)
    bench.play(pcm[4000:12000])
    session = bench.line.stop(bench.now_s + 0.02)
    assert not session.done.is_set()
    bench.play(pcm[12000:])
    assert session.done.is_set()
    np.testing.assert_array_equal(sink.legs[0].pcm, pcm[4100:12160])
    assert (sink.legs[0].party, sink.closed) == (Party.MIXED, "stopped")
    assert bench.host.told() == ["media_started", "session_closed"]


@pytest.mark.parametrize("resampler", ["fir", "soxr"])
@pytest.mark.parametrize(
    ("card_hz", "line_hz"),
    [(48000, 8000), (32000, 8000), (16000, 8000), (44100, 8000), (48000, 16000), (32000, 16000), (8000, 16000)],
)
def test_another_rate_keeps_length_level_and_time(card_hz: int, line_hz: int, resampler: str) -> None:
    bench = Bench(card_hz, line_hz, legs=2, resampler=resampler)
    pcm = np.stack([sine(440, 2 * card_hz, card_hz), sine(1000, 2 * card_hz, card_hz)])
    sink = CardSink("s")
    bench.play(pcm[:, :0])
    bench.line.start(sink, bench.now_s)
    bench.play(pcm)
    bench.line.stop(bench.now_s)
    bench.settle()
    bench.line.close(bench.now_s, "over")
    for leg, frequency_hz in enumerate((440, 1000)):
        got = sink.legs[leg].pcm
        assert len(got) == pytest.approx(2 * line_hz, abs=1)
        whole = slice(line_hz // 10, 2 * line_hz - line_hz // 10)
        wanted = sine(frequency_hz, len(got), line_hz)
        assert np.abs(got[whole].astype(int) - wanted[whole]).max() < 15, "not in time, or not as loud"


def test_a_pulled_card_is_one_gap_of_the_right_length() -> None:
    bench, pcm = Bench(legs=2), np.stack([noise(80000, 5000), noise(80000, 5000, seed=2)])
    sink = CardSink("s")
    bench.play(pcm[:, :400])
    bench.line.start(sink, bench.now_s)
    bench.play(pcm[:, 400:24400])
    bench.pull(5.25, LossReason.UNPLUGGED)
    bench.play(pcm[:, 30000:38000])
    bench.line.stop(bench.now_s)
    bench.settle()
    bench.line.close(bench.now_s, "over")
    for leg in (0, 1):
        timeline = sink.legs[leg].timeline()
        assert len(timeline) == pytest.approx(24000 + 42000 + 8000, abs=2)
        assert {reason for _, _, reason in sink.legs[leg].losses} == {LossReason.UNPLUGGED}
        assert sum(frames for _, frames, _ in sink.legs[leg].losses) == pytest.approx(42000, abs=2)
        np.testing.assert_array_equal(timeline[:24000], pcm[leg, 400:24400])
        np.testing.assert_array_equal(timeline[-8000:], pcm[leg, 30000:38000])
    assert sink.facts["dropped_frames"] == pytest.approx(42000, abs=2)


def test_gaps_at_another_rate_shift_nothing() -> None:
    bench = Bench(48000, 8000)
    pcm = sine(500, 20 * 48000, 48000)  # whole turns between the parts: the phase tells of any shift
    sink = CardSink("s")
    bench.play(pcm[:2400])
    bench.line.start(sink, bench.now_s)
    begin_s = bench.now_s
    for _ in range(20):
        bench.play(pcm[:12000])
        bench.pull(0.1, LossReason.OVERFLOW)
    bench.play(pcm[:12000])
    bench.line.stop(bench.now_s)
    bench.settle()
    bench.line.close(bench.now_s, "over")
    timeline = sink.legs[0].timeline()
    assert len(timeline) == pytest.approx((bench.now_s - begin_s) * 8000, abs=4)
    assert [at for at, _, _ in sink.legs[0].losses] == pytest.approx([2000 + 2800 * n for n in range(20)], abs=4)
    last = timeline[-1500:-200].astype(float)
    phase = np.angle(np.sum(last * np.exp(-2j * np.pi * 500 * np.arange(-1500, -200) / 8000))) / (2 * np.pi)
    assert abs((phase - float(Fraction(-1, 4)) + 0.5) % 1 - 0.5) < 4 * 500 / 8000


def test_a_session_that_begins_without_a_card_is_a_gap_first() -> None:
    bench, sink = Bench(), CardSink("s")
    bench.line.start(sink, bench.now_s)
    bench.pull(1.5, LossReason.UNPLUGGED)
    assert bench.host.told() == []
    bench.play(noise(8000, 900))
    bench.pull(0.75, LossReason.STALLED)
    session = bench.line.stop(bench.now_s)
    assert session.done.is_set()
    assert sink.legs[0].losses[0][0] == 0
    assert sink.legs[0].frames == pytest.approx(8000 * 3.25, abs=2)
    assert bench.host.told() == ["media_started", "session_closed"]


def test_a_line_is_busy_or_idle_and_says_so() -> None:
    bench = Bench()
    with pytest.raises(LineIdleError):
        bench.line.stop(bench.now_s)
    bench.line.start(CardSink("s"), bench.now_s)
    with pytest.raises(LineBusyError):
        bench.line.start(CardSink("t"), bench.now_s)
    with pytest.raises(LineIdleError):
        bench.line.hang_up(bench.now_s, "")


def test_facts_are_told_while_a_long_session_runs() -> None:
    bench, sink = Bench(), CardSink("s")
    bench.line.start(sink, bench.now_s)
    bench.play(sine(1000, 61 * 8000, 8000, 3277))
    assert sink.facts["leg0"]["level_dbfs"] == pytest.approx(-20, abs=0.01)
    assert (sink.facts["overruns"], sink.facts["reopened"], sink.facts["card"]) == (0, 0, "hw:CARD=TEST")
