"""The pure parts: places of frames, stretches, silence, pressure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.recording.writer.intervals import Span, subtract
from appliance.recording.writer.loudness import Silence
from appliance.recording.writer.pressure import Pressure
from appliance.recording.writer.timeline import LegTimeline

LOSSES = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20)), max_size=6)


@given(st.integers(-30, 30), st.integers(0, 10), LOSSES, st.integers(0, 150), st.integers(0, 60), st.integers(0, 90))
def test_every_frame_stands_where_a_plain_list_puts_it(
    offset: int, skip: int, captured_and_lost: list[tuple[int, int]], file_frames: int, begin: int, length: int
) -> None:
    timeline = LegTimeline(offset, skip)
    own: list[int] = []  # the leg's own time line: file frames, -1 where lost
    file_frame = skip
    for captured, lost in captured_and_lost:
        own += range(file_frame, file_frame + captured)
        file_frame += captured
        assert timeline.lose(len(own), lost) == len(own) + offset
        own += [-1] * lost
    own += range(file_frame, 400)
    expected = {n + offset: frame for n, frame in enumerate(own) if 0 <= frame < file_frames}
    found = {
        piece.out_frame + n: piece.file_frame + n
        for piece in timeline.pieces(begin, begin + length, file_frames)
        for n in range(piece.frames)
    }
    assert found == {out: frame for out, frame in expected.items() if begin <= out < begin + length}
    end = timeline.out_of_file(max(skip, file_frames))
    assert all(out < end for out in expected)
    assert timeline.file_of_out(begin) == min((f for out, f in enumerate(own, offset) if out >= begin and f >= 0))


def test_silence_put_in_moves_what_follows() -> None:
    timeline = LegTimeline(0)
    timeline.lose(10, 5)
    timeline.insert(20, 100)
    assert timeline.pieces(0, 1000, 30) == [(0, 0, 10), (15, 10, 10), (125, 20, 10)]


@given(
    st.integers(0, 50),
    st.integers(0, 50),
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=6),
)
def test_subtract_is_that_of_sets(begin: int, end: int, others: list[tuple[int, int]]) -> None:
    spans = [Span(*other) for other in others]
    covered = {n for span in spans for n in range(span.begin, span.end)}
    left = subtract(Span(begin, end), spans)
    assert {n for span in left for n in range(*span)} == set(range(begin, end)) - covered


@pytest.mark.parametrize(("level_dbfs", "loud"), [(-44.0, True), (-46.0, False)])
def test_silence_is_what_lies_below_the_threshold(level_dbfs: float, *, loud: bool) -> None:
    peak = 32768 * 10 ** (level_dbfs / 20) * 2**0.5
    tone = (peak * np.sin(np.arange(8000) * 0.5)).astype(np.int16)
    assert Silence(-45).is_loud(tone, 8000) is loud


def test_a_short_sound_is_no_silence() -> None:
    pcm = np.zeros(8000, np.int16)
    pcm[5000:5800] = 1000
    assert Silence(-45).is_loud(pcm, 8000)
    assert not Silence(-45).is_loud(np.zeros(8000, np.int16), 8000)
    assert not Silence(-45).is_loud(np.zeros(0, np.int16), 8000)
    assert Silence(-45).is_loud(np.full(30, -1000, np.int16), 8000)


def test_the_holdback_gives_way_to_memory_and_comes_back() -> None:
    pressure = Pressure(10.0, 1000)
    pressure.turn(500, 10_000)
    assert (pressure.holdback_s, pressure.high) == (10.0, False)
    seen = []
    for _ in range(8):
        pressure.turn(950, 10_000)
        seen.append(pressure.holdback_s)
    assert seen == [5.0, 2.5, 1.25, 0.625, 0.3125, 0.15625, 0.0, 0.0]
    assert pressure.high
    pressure.turn(800, 10_000)
    assert (pressure.holdback_s, pressure.high) == (0.0, True)
    for _ in range(8):
        pressure.turn(100, 10_000)
    assert (pressure.holdback_s, pressure.high) == (10.0, False)


def test_a_small_file_system_counts_more_than_the_setting() -> None:
    pressure = Pressure(10.0, 1 << 30)
    pressure.turn(95, 5)
    assert pressure.high


def test_silence_counts_from_the_last_sound() -> None:
    sound, quiet = np.full(1600, 5000, np.int16), np.zeros(2400, np.int16)
    assert Silence(-45).quiet_frames(np.concatenate([sound, quiet]), 8000) == 2400
    assert Silence(-45).quiet_frames(np.concatenate([quiet, sound]), 8000) == 0
    assert Silence(-45).quiet_frames(quiet, 8000) is None
