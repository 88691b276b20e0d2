from __future__ import annotations

from io import BytesIO
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr
from hypothesis import given
from hypothesis import strategies as st

from appliance.audio import g722, measure

RATE = 8000


def tone(frequency_hz: float, seconds: float = 3.0) -> npt.NDArray[np.int16]:
    return measure.make_tone(frequency_hz, RATE, round(seconds * RATE))


def through(samples: npt.NDArray[Any], subtype: str) -> npt.NDArray[np.int16]:
    file = BytesIO()
    soundfile.write(file, samples, RATE, format="WAV", subtype=subtype)
    file.seek(0)
    decoded: npt.NDArray[np.int16] = soundfile.read(file, dtype="int16")[0]
    return decoded


def decoded(packets: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    """G.722 as FFmpeg decodes it."""
    decoder = av.AudioCodecContext.create("g722", "r")
    decoder.sample_rate, decoder.layout = 16000, "mono"
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet.tobytes()))]
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])


@pytest.mark.parametrize("frequency_hz", [300.0, 441.3, 1000.0, 1013.07, 2950.0])
@pytest.mark.parametrize("subtype", ["PCM_16", "ULAW", "ALAW"])
def test_a_tone_is_found_to_a_tenth_of_a_hertz(frequency_hz: float, subtype: str) -> None:
    found = measure.find_tone(through(tone(frequency_hz), subtype), RATE)
    assert found.frequency_hz == pytest.approx(frequency_hz, abs=0.1)
    assert found.level_dbfs == pytest.approx(-16, abs=0.1)


def test_a_tone_between_silences_is_measured_to_the_frame() -> None:
    quiet = np.zeros(1234, np.int16)
    found = measure.find_tone(np.concatenate((quiet, tone(441), quiet)), RATE)
    assert found.begin_frame == pytest.approx(1234, abs=2)
    assert found.frames == pytest.approx(3 * RATE, abs=3)


def test_silence_holds_no_tone() -> None:
    with pytest.raises(ValueError, match="nothing to measure"):
        measure.find_tone(np.zeros(RATE, np.int16), RATE)


@pytest.mark.parametrize("frequency_hz", [300.0, 441.0, 1000.0, 1013.0, 1350.0])
@pytest.mark.parametrize("subtype", ["PCM_16", "ULAW"])
def test_a_whole_tone_has_no_break(frequency_hz: float, subtype: str) -> None:
    assert measure.check_continuity(through(tone(frequency_hz, 10), subtype), RATE).unbroken


@pytest.mark.parametrize("frequency_hz", [300.0, 441.0, 1013.0])
@pytest.mark.parametrize("missing", [1, -1, 5, -7])
def test_missing_and_extra_frames_are_seen_counted_and_placed(frequency_hz: float, missing: int) -> None:
    whole, at = tone(frequency_hz), 11_111
    begin, end = whole[:at], whole[at + missing :]
    (found,) = measure.check_continuity(through(np.concatenate((begin, end)), "ULAW"), RATE).breaks
    period = RATE / frequency_hz
    assert found.kind == "jump"
    assert found.at_s == pytest.approx(at / RATE, abs=0.03)
    assert (found.frames - missing + period / 2) % period == pytest.approx(period / 2, abs=0.3)


def test_a_packet_left_out_shows_unless_it_holds_whole_periods() -> None:
    assert not measure.check_continuity(np.delete(tone(441), slice(8000, 8160)), RATE).unbroken
    spliced = measure.check_continuity(np.delete(tone(450), slice(8000, 8160)), RATE)
    assert spliced.unbroken  # as the docstring says
    assert spliced.tone.frames == pytest.approx(3 * RATE - 160, abs=3)


def test_a_silenced_packet_is_a_drop_out() -> None:
    samples = tone(1000)
    samples[8000:8160] = 0
    found = measure.check_continuity(samples, RATE).breaks
    assert [b.kind for b in found] == ["drop-out"]
    assert found[0].at_s == pytest.approx(1.0, abs=0.03)
    assert found[0].frames == pytest.approx(160, abs=100)


def test_each_of_several_breaks_is_named() -> None:
    samples = tone(441)
    samples[16_000:16_480] = 0
    kinds = [b.kind for b in measure.check_continuity(np.delete(samples, slice(8000, 8003)), RATE).breaks]
    assert kinds == ["jump", "drop-out"]


def test_the_level_is_that_of_a_full_scale_sine() -> None:
    full = measure.make_tone(1000, RATE, RATE, level_dbfs=0)
    assert measure.level_dbfs(full) == pytest.approx(0, abs=0.01)
    assert measure.level_dbfs(full.astype(np.float64) / 65536) == pytest.approx(-6.02, abs=0.01)
    assert measure.level_dbfs(np.zeros(10, np.int16)) == -120


def test_silences_are_spans_and_short_ones_are_none() -> None:
    samples = tone(441)
    samples[8000:12_000] = 0
    samples[16_000:16_320] = 0
    (span,) = measure.silences(samples, RATE)
    assert (span.from_s, span.until_s) == pytest.approx((1.0, 1.5), abs=0.021)
    assert measure.activity(samples, RATE) == pytest.approx(2.46 / 3, abs=0.02)


def test_one_leg_is_measured_at_a_time() -> None:
    with pytest.raises(ValueError, match="one leg"):
        measure.level_dbfs(np.zeros((10, 2), np.int16))


@given(st.integers(-3000, 3000))
def test_the_offset_between_two_signals_is_found(shift: int) -> None:
    noise = np.random.default_rng(7).normal(0, 0.1, 8000)
    moved = np.concatenate((np.zeros(shift), noise)) if shift >= 0 else noise[-shift:]
    found = measure.find_offset(noise, moved, max_frames=4000)
    assert found.frames == shift
    assert found.likeness == pytest.approx(1.0, abs=0.01)


def test_different_signals_are_not_alike() -> None:
    random = np.random.default_rng(7)
    assert abs(measure.find_offset(random.normal(0, 0.1, 8000), random.normal(0, 0.1, 8000)).likeness) < 0.2


@pytest.mark.parametrize("leg", [0, 1])
@pytest.mark.parametrize("subtype", ["PCM_16", "ULAW", "ALAW"])
def test_every_coded_frame_comes_back(leg: int, subtype: str) -> None:
    pcm = np.concatenate((np.zeros(77, np.int16), measure.coded_pcm(leg, 3000, first=65_000 - 2500)))
    found = measure.read_coded(through(pcm, subtype), leg)
    assert found.lost(3000, first=62_500) == []
    assert found.doubled == 0
    assert found.slips == []
    assert found.positions[0] == 77
    assert not measure.read_coded(through(pcm, subtype), 1 - leg).numbers.size


@pytest.mark.parametrize("leg", [0, 1])
@pytest.mark.parametrize("way", ["converted", "G.722"])
def test_every_coded_frame_comes_back_at_16_khz(leg: int, way: str) -> None:
    quiet = np.zeros(160, np.int16)
    pcm = np.concatenate((quiet, measure.coded_pcm(leg, 1500, first=64_000), quiet))
    wide = soxr.resample(pcm, 8000, 16000) if way == "converted" else decoded(g722.encode(np.repeat(pcm, 2)))
    found = measure.read_coded(wide, leg, 16000)
    assert found.lost(1500, first=64_000) == []
    assert (found.doubled, found.slips) == (0, [])
    assert found.positions[0] == pytest.approx(320, abs=30)  # the codec's filter takes 22
    assert not measure.read_coded(wide, 1 - leg, 16000).numbers.size


def test_lost_and_shifted_coded_frames_are_told_at_16_khz() -> None:
    frames = measure.coded_pcm(0, 50).repeat(2).reshape(50, 320)
    pcm = np.concatenate((frames[:10].ravel(), np.zeros(99, np.int16), frames[12:].ravel()))
    found = measure.read_coded(pcm, 0, 16000)
    assert found.lost(50) == [10, 11]
    assert len(found.slips) == 1


@pytest.mark.parametrize("cut", [10, 40, 63, 64, 200])
def test_a_recording_that_begins_within_a_coded_frame_of_16_khz_misreads_none(cut: int) -> None:
    pcm = soxr.resample(measure.coded_pcm(1, 50), 8000, 16000)[cut:]
    found = measure.read_coded(pcm, 1, 16000)
    assert found.lost(50) == [0]
    assert found.slips == []


def test_payload_and_samples_are_the_same_frames() -> None:
    octets = measure.coded_payload(1, np.arange(40)).tobytes()
    decoded = soundfile.read(BytesIO(octets), dtype="int16", format="RAW", subtype="ULAW", samplerate=RATE, channels=1)
    assert np.array_equal(decoded[0], measure.coded_pcm(1, 40))


def test_lost_doubled_and_shifted_coded_frames_are_told() -> None:
    frames = measure.coded_pcm(0, 50).reshape(50, 160)
    order = [*range(10), *range(12, 20), 19, *range(20, 50)]
    found = measure.read_coded(frames[order].reshape(-1), 0)
    assert found.lost(50) == [10, 11]
    assert found.doubled == 1
    assert len(found.slips) == 2


def test_a_spoilt_coded_frame_counts_as_lost() -> None:
    pcm = measure.coded_pcm(0, 50)
    pcm[20 * 160 + 100] = 0
    assert measure.read_coded(pcm, 0).lost(50) == [20]


@given(st.integers(1, 159), st.integers(1, 30))
def test_frames_cut_out_anywhere_lose_what_they_touch(size: int, at_frame: int) -> None:
    pcm = np.delete(measure.coded_pcm(0, 40), slice(at_frame * 160, at_frame * 160 + size))
    found = measure.read_coded(pcm, 0)
    assert found.lost(40) == [at_frame]
    assert found.slips
