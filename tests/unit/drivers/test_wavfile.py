from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydantic
import pytest
import soundfile

from drivers.contract import Line, LineIdleError, Party, SessionClosed, Tap, TapOptionsError
from drivers.taps import wavfile
from drivers.taps.wavfile import Tap as WavfileTap
from drivers.taps.wavfile import WavfileOptions
from tests.unit.drivers.memory import FakeClock, MemoryHost, MemorySink, clock

__all__ = ["clock"]


def noise(frames: int, legs: int, seed: int = 1) -> npt.NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-32768, 32767, (frames, legs), np.int16, endpoint=True)


def options(*files: Path, loop: bool = False) -> WavfileOptions:
    return WavfileOptions(name="w", kind="wavfile", files=files, loop=loop)


def opened(*files: Path, loop: bool = False) -> tuple[Tap, MemoryHost]:
    parsed = options(*files, loop=loop)
    tap, host = WavfileTap(parsed, WavfileTap.plan(parsed)[0]), MemoryHost()
    tap.open(host)
    return tap, host


def wait_closed(sink: MemorySink) -> None:
    until_s = time.monotonic() + 10
    while sink.closed is None:
        assert time.monotonic() < until_s
        time.sleep(0.01)


def test_plan_reads_legs_and_rates(tmp_path: Path) -> None:
    files = []
    for n, (rate_hz, legs) in enumerate([(8000, 1), (16000, 2), (44100, 2), (6000, 1), (11025, 1)]):
        files.append(tmp_path / f"{n}.wav")
        soundfile.write(files[-1], noise(rate_hz // 10, legs), rate_hz)
    (plan,) = WavfileTap.plan(options(*files))
    assert plan.lines == (
        Line("0", 1, 8000),
        Line("1", 2, 16000),
        Line("2", 2, 16000),
        Line("3", 1, 8000),
        Line("4", 1, 16000),
    )


@pytest.mark.parametrize("subtype", ["PCM_16", "ULAW"])
def test_a_file_comes_out_bit_for_bit_and_ends_its_session(tmp_path: Path, clock: FakeClock, subtype: str) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(12_345, 2), 8000, subtype=subtype)
    wanted, _ = soundfile.read(path, dtype="int16")
    tap, host = opened(path)
    sink = MemorySink()
    clock.now_s += 7.7  # a file begins at its begin, whenever it is started
    tap.start("0", sink)
    clock.now_s += 60
    wait_closed(sink)
    assert sink.closed == "end of file"
    for leg in (0, 1):
        np.testing.assert_array_equal(sink.legs[leg].pcm, wanted[:, leg])
    assert host.events[-1] == SessionClosed(line="0", session="s", reason="end of file")
    with pytest.raises(LineIdleError):
        tap.stop("0")
    tap.close()


def test_a_stop_at_the_very_end_closes_once(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(8000, 1), 8000)
    tap, host = opened(path)
    sink = MemorySink()  # it asserts that it is closed once
    tap.start("0", sink)
    clock.now_s += 2
    try:
        tap.stop("0")
    except LineIdleError:  # the thread was quicker
        assert sink.closed == "end of file"
    assert sink.legs[0].frames == 8000
    assert len([event for event in host.events if isinstance(event, SessionClosed)]) == 1
    tap.close()


def test_files_play_side_by_side_each_at_its_rate(tmp_path: Path, clock: FakeClock) -> None:
    paths = [tmp_path / "a.wav", tmp_path / "b.wav"]
    soundfile.write(paths[0], noise(16000, 1, seed=1), 8000)
    soundfile.write(paths[1], noise(32000, 1, seed=2), 16000)
    tap, _ = opened(*paths)
    sinks = [MemorySink("a"), MemorySink("b")]
    tap.start("0", sinks[0])
    clock.now_s += 0.25
    tap.start("1", sinks[1])
    clock.now_s += 0.5
    tap.close()
    np.testing.assert_array_equal(sinks[0].legs[0].pcm, noise(16000, 1, seed=1)[:6000, 0])
    np.testing.assert_array_equal(sinks[1].legs[0].pcm, noise(32000, 1, seed=2)[:8000, 0])
    assert sinks[0].legs[0].party is Party.MIXED
    assert sinks[1].legs[0].rate_hz == 16000


def test_a_loop_goes_over_the_end_without_a_seam(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "a.wav"
    sent = noise(333, 1)[:, 0]
    soundfile.write(path, sent, 8000)
    tap, _ = opened(path, loop=True)
    sink = MemorySink()
    tap.start("0", sink)
    clock.now_s += 3.5
    tap.stop("0")
    assert sink.closed == "stopped"
    np.testing.assert_array_equal(sink.legs[0].pcm, np.tile(sent, 100)[:28_000])
    tap.close()


def test_another_rate_is_brought_to_the_lines(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "a.wav"
    tone = np.round(10_000 * np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)).astype(np.int16)
    soundfile.write(path, np.stack([tone, np.zeros_like(tone)], axis=1), 44100)
    tap, _ = opened(path)
    sink = MemorySink()
    tap.start("0", sink)
    clock.now_s += 5
    wait_closed(sink)
    tap.close()
    assert len(sink.legs[0].pcm) == pytest.approx(16000, abs=1)
    spectrum = np.abs(np.fft.rfft(sink.legs[0].pcm[:16000].astype(float)))
    assert int(spectrum.argmax()) == 440
    assert spectrum[440] == pytest.approx(10_000 * 8000, rel=0.01)
    assert np.abs(sink.legs[1].pcm).max() <= 1


@pytest.mark.parametrize("fault", ["missing", "folder", "text", "empty", "three legs", "too long"])
def test_files_that_cannot_be_played_are_named(tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bad.wav"
    match fault:
        case "folder":
            path.mkdir()
        case "text":
            path.write_text("no sound")
        case "empty":
            soundfile.write(path, noise(0, 1), 8000)
        case "three legs":
            soundfile.write(path, noise(10, 3), 8000)
        case "too long":
            soundfile.write(path, noise(8000, 1), 8000)
            monkeypatch.setattr(wavfile, "_LONGEST_S", 0.5)
    with pytest.raises(TapOptionsError, match=r"bad\.wav"):
        WavfileTap.plan(options(path))


def test_a_file_that_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(100, 1), 8000)
    parsed = options(path)
    plan = WavfileTap.plan(parsed)[0]
    for legs, rate_hz, frames in [(2, 8000, 100), (1, 16000, 100), (1, 8000, 0)]:
        soundfile.write(path, noise(frames, legs), rate_hz)
        with pytest.raises(TapOptionsError, match="not the file any more"):
            WavfileTap(parsed, plan).open(MemoryHost())
    path.unlink()
    with pytest.raises(TapOptionsError, match="cannot be read"):
        WavfileTap(parsed, plan).open(MemoryHost())


def test_no_files_is_no_tap() -> None:
    with pytest.raises(pydantic.ValidationError):
        options()
