"""Exports: every tone on its side, at its place, at its length; and what goes wrong is told and leaves nothing."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import gc
import io
import os
import queue
import subprocess
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from appliance.audio import codecs, g711, wav
from appliance.audio.export import Exporter
from appliance.audio.formats import mp3
from appliance.calls.fields import CallFields
from appliance.errors import DiskFullError, FileMissingError, ValueInvalidError
from appliance.recording.facts import Recording

RATE_HZ = 8000
Pcm = npt.NDArray[np.int16]
NOTHING = np.zeros((0, 1))
VOX: dict[str, Any] = {"samplerate": RATE_HZ, "channels": 1, "format": "RAW", "subtype": "VOX_ADPCM"}
SUFFIXES = sorted(codecs.FORMATS)
SIDED = sorted(set(SUFFIXES) - {"vox"})
THROUGH_FILE = sorted(set(SUFFIXES) - {"wav"})


def _recording(path: Path, **changes: Any) -> Recording:
    moment = dt.datetime(2026, 3, 4, tzinfo=dt.UTC)
    facts: dict[str, Any] = {
        "record_id": 1,
        "global_call_id": "1",
        "core_id": 1,
        "channel": 0,
        "tap": "t",
        "line": "l",
        "session": "s",
        "device_id": "1",
        "call_instance": "",
        "fields": CallFields(),
        "keep_days": 1,
        "archive_action": -1,
        "priority": 0,
        "schedule": "",
        "recording_type": "",
        "call_started_at": moment,
        "started_at": moment,
        "stopped_at": moment,
        "filename": str(path),
        "encoding": "ulaw",
        "rate_hz": RATE_HZ,
        "channels": 2,
        "frames": 0,
        "duration_s": 0,
        "audio_size": 0,
        "audio_hash": "",
        "legs": (),
    }
    return Recording(**(facts | changes))


def _written(path: Path, pcm: Pcm, encoding: str = "ulaw", *, told: int | None = None) -> Path:
    frames, channels = pcm.shape
    coded: npt.NDArray[Any] = pcm
    if encoding != "pcm":
        coded = (g711.encode_ulaw if encoding == "ulaw" else g711.encode_alaw)(pcm)
    header = wav.header(encoding, RATE_HZ, channels, frames if told is None else told)
    path.write_bytes(header + coded.tobytes() + wav.trailer(encoding, channels, frames))
    return path


def _tone(frequency_hz: float, frames: int, *, level: float = 8000) -> npt.NDArray[np.float64]:
    return level * np.sin(2 * np.pi * frequency_hz * np.arange(frames) / RATE_HZ)


def _stereo(seconds: float) -> Pcm:
    """Tones on their sides, which begin and end at known places, so that a shift would be seen."""
    frames = round(seconds * RATE_HZ)
    pcm = np.stack([_tone(400, frames), _tone(1100, frames)], axis=1)
    pcm[: RATE_HZ // 2] = 0
    pcm[-RATE_HZ // 2 :] = 0
    return pcm.round().astype(np.int16)


@pytest.fixture
async def exporter(tmp_path: Path) -> AsyncIterator[Exporter]:
    opened = Exporter(tmp_path / "scratch")
    yield opened
    await opened.close()


async def _exported(exporter: Exporter, recording: Recording, suffix: str) -> bytes:
    length_bytes, octets = await exporter.open(recording, suffix)
    taken = b"".join([part async for part in octets])
    assert length_bytes == len(taken)
    return taken


def _decoded(octets: bytes, suffix: str) -> npt.NDArray[np.float64]:
    """Give samples of shape (frames, channels), as many as the file says that it has."""
    match suffix:
        case "m4a":
            return _decoded_m4a(octets)
        case "vox":
            return np.asarray(soundfile.read(io.BytesIO(octets), always_2d=True, **VOX)[0]) if octets else NOTHING
        case _:
            pcm, rate_hz = soundfile.read(io.BytesIO(octets), always_2d=True)
            assert rate_hz == RATE_HZ
            return np.asarray(pcm)


def _decoded_m4a(octets: bytes) -> npt.NDArray[np.float64]:
    with av.open(io.BytesIO(octets), "r") as container:
        (stream,) = container.streams.audio
        assert (stream.rate, stream.time_base) == (RATE_HZ, Fraction(1, RATE_HZ))
        pcm = np.concatenate([frame.to_ndarray() for frame in container.decode(stream)], axis=1).T
        frames = stream.duration or 0
    assert 0 <= len(pcm) - frames < 1024
    assert np.abs(pcm[frames + 16 :]).max(initial=0) < 0.01, "what a block is filled with is silence"
    return pcm[:frames].astype(np.float64)


def _mixed(pcm: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """What VOX is made of: one side, of even length."""
    return np.pad(pcm.mean(axis=1), (0, len(pcm) % 2))[:, None]


def _level_db(pcm: npt.NDArray[np.float64], frequency_hz: float) -> float:
    """Level of one frequency in a second's stretch, against full scale."""
    window = np.hanning(len(pcm))
    spectrum = np.abs(np.fft.rfft(pcm * window)) / window.sum() * 2
    return float(20 * np.log10(spectrum[round(frequency_hz * len(pcm) / RATE_HZ)] + 1e-9))


def _begin(side: npt.NDArray[np.float64]) -> int:
    """First frame of the tone."""
    return int(np.argmax(np.abs(side) > 0.05))


@pytest.mark.parametrize("suffix", SIDED)
@pytest.mark.parametrize("encoding", wav.ENCODINGS)
async def test_tones_come_out_on_their_sides(exporter: Exporter, tmp_path: Path, suffix: str, encoding: str) -> None:
    pcm = _stereo(5.01)
    path = _written(tmp_path / "a.wav", pcm, encoding)
    out = _decoded(await _exported(exporter, _recording(path), suffix), suffix)
    assert out.shape == pcm.shape, "no sample missing, none too many"
    second = slice(2 * RATE_HZ, 3 * RATE_HZ)
    for side, (own_hz, other_hz) in enumerate([(400, 1100), (1100, 400)]):
        assert _level_db(out[second, side], own_hz) == pytest.approx(20 * np.log10(8000 / 32768), abs=0.5)
        assert _level_db(out[second, side], other_hz) < -60
        assert _begin(out[:, side]) == pytest.approx(RATE_HZ // 2, abs=24), "3 ms"
        assert _begin(out[::-1, side]) == pytest.approx(RATE_HZ // 2, abs=24)


@pytest.mark.parametrize("suffix", SUFFIXES)
async def test_samples_stay_in_place(exporter: Exporter, tmp_path: Path, suffix: str) -> None:
    draw = np.random.default_rng(5)
    noise = np.cumsum(draw.normal(size=(4 * RATE_HZ, 2)), axis=0)
    noise = (noise - np.convolve(noise[:, 0], np.ones(99) / 99, "same")[:, None]) * 300
    pcm = np.clip(noise, -30000, 30000).round().astype(np.int16)
    path = _written(tmp_path / "a.wav", pcm, "pcm")
    out = _decoded(await _exported(exporter, _recording(path), suffix), suffix)
    if suffix == "vox":
        pcm = _mixed(pcm)
    middle = slice(RATE_HZ, 3 * RATE_HZ)
    for side in range(pcm.shape[1]):
        fits = {
            shift: float(np.dot(pcm[middle, side].astype(float), np.roll(out[:, side], -shift)[middle]))
            for shift in range(-40, 41)
        }
        assert max(fits, key=lambda shift: fits[shift]) == 0


@pytest.mark.parametrize("suffix", SUFFIXES)
async def test_one_leg_stays_mono(exporter: Exporter, tmp_path: Path, suffix: str) -> None:
    pcm = _tone(440, 12_001).round().astype(np.int16)[:, None]
    octets = await _exported(exporter, _recording(_written(tmp_path / "a.wav", pcm)), suffix.upper())
    out = _decoded(octets, suffix)
    assert out.shape == (12_002 if suffix == "vox" else 12_001, 1)
    assert _level_db(out[RATE_HZ // 2 :, 0][:4000], 440) > -14


@pytest.mark.parametrize("suffix", SUFFIXES)
async def test_empty_recording(exporter: Exporter, tmp_path: Path, suffix: str) -> None:
    path = _written(tmp_path / "a.wav", np.zeros((0, 2), np.int16))
    out = _decoded(await _exported(exporter, _recording(path), suffix), suffix)
    assert len(out) <= 1


@pytest.mark.parametrize("suffix", SUFFIXES)
async def test_interrupted_recording_is_exported(exporter: Exporter, tmp_path: Path, suffix: str) -> None:
    path = _written(tmp_path / "a.wav", _stereo(3), told=0)
    out = _decoded(await _exported(exporter, _recording(path, interrupted=True), suffix), suffix)
    assert out.shape == (3 * RATE_HZ, 1 if suffix == "vox" else 2)


@pytest.mark.parametrize("suffix", SUFFIXES)
async def test_a_blackout_is_silence_on_both_sides_and_moves_nothing(
    exporter: Exporter, tmp_path: Path, suffix: str
) -> None:
    pcm = _stereo(6)
    pcm[2 * RATE_HZ : 4 * RATE_HZ] = 0
    out = _decoded(await _exported(exporter, _recording(_written(tmp_path / "a.wav", pcm)), suffix), suffix)
    assert len(out) == len(pcm)
    edge = RATE_HZ // 50
    assert np.abs(out[2 * RATE_HZ + edge : 4 * RATE_HZ - edge]).max() < 10 ** (-50 / 20), "20 ms inside its edges"
    assert np.abs(out[2 * RATE_HZ + 10 * edge : 4 * RATE_HZ - 10 * edge]).max() < 10 ** (-60 / 20), "further inside"
    assert np.abs(out[2 * RATE_HZ : 4 * RATE_HZ]).max() < 10 ** (-30 / 20), "what coding smears over its edges"
    for side in range(out.shape[1]):
        assert np.abs(out[2 * RATE_HZ - edge : 2 * RATE_HZ, side]).max() > 0.1
        assert np.abs(out[4 * RATE_HZ : 4 * RATE_HZ + edge, side]).max() > 0.1


async def test_wav_is_16_bit_pcm_exactly(exporter: Exporter, tmp_path: Path) -> None:
    pcm = _stereo(2)
    octets = await _exported(exporter, _recording(_written(tmp_path / "a.wav", pcm)), "wav")
    assert soundfile.info(io.BytesIO(octets)).subtype == "PCM_16"
    assert octets[44:] == g711.decode_ulaw(g711.encode_ulaw(pcm)).tobytes()


async def test_mp3_is_read_back_as_source(exporter: Exporter, tmp_path: Path) -> None:
    octets = await _exported(exporter, _recording(_written(tmp_path / "a.wav", _stereo(2))), "mp3")
    (tmp_path / "archived.mp3").write_bytes(octets)
    out = _decoded(await _exported(exporter, _recording(tmp_path / "archived.mp3"), "wav"), "wav")
    assert out.shape == (2 * RATE_HZ, 2)


async def test_an_archived_mp3_that_breaks_while_it_is_read_is_an_os_error(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "archived.mp3"
    path.write_bytes(await _exported(exporter, _recording(_written(tmp_path / "a.wav", _stereo(2))), "mp3"))
    _, octets = await exporter.open(_recording(path), "wav")

    def broken(*_: object, **__: object) -> Iterator[Pcm]:
        raise soundfile.LibsndfileError(1)

    monkeypatch.setattr(soundfile.SoundFile, "blocks", broken)
    with pytest.raises(OSError, match="Format not recognised"):
        _ = [part async for part in octets]


async def test_vox_is_both_sides_in_one(exporter: Exporter, tmp_path: Path) -> None:
    octets = await _exported(exporter, _recording(_written(tmp_path / "a.wav", _stereo(5.01))), "vox")
    assert len(octets) == 5.01 * RATE_HZ / 2, "two samples an octet, no header"
    out = _decoded(octets, "vox")
    for frequency_hz in (400, 1100):
        level_db = _level_db(out[2 * RATE_HZ : 3 * RATE_HZ, 0], frequency_hz)
        assert level_db == pytest.approx(20 * np.log10(4000 / 32768), abs=0.5)
    assert _begin(out[:, 0]) == pytest.approx(RATE_HZ // 2, abs=8), "1 ms"
    assert np.array_equal(out[:, 0] * 32768, _dialogic(octets)), "as the cards' maker describes it"


def _dialogic(octets: bytes) -> npt.NDArray[np.float64]:
    """Dialogic ADPCM by its published algorithm: 12 bits, 49 steps of 16 and up, high nibble first."""
    steps = [int(16 * 1.1**n) for n in range(49)]
    moves = (-1, -1, -1, -1, 2, 4, 6, 8)
    level, index, samples = 0, 0, []
    for octet in octets:
        for nibble in (octet >> 4, octet & 15):
            step = steps[index]
            change = (2 * (nibble & 7) + 1) * step // 8
            level = max(-2048, min(2047, level - change if nibble & 8 else level + change))
            index = max(0, min(48, index + moves[nibble & 7]))
            samples.append(level * 16)
    return np.asarray(samples, np.float64)


async def test_vox_is_8_khz_whatever_the_recording_has(exporter: Exporter, tmp_path: Path) -> None:
    pcm = (8000 * np.sin(2 * np.pi * 440 * np.arange(3 * 16_000) / 16_000)).round().astype(np.int16)
    path = tmp_path / "wide.wav"
    path.write_bytes(wav.header("pcm", 16_000, 1, len(pcm)) + pcm.tobytes())
    out = _decoded(await _exported(exporter, _recording(path), "vox"), "vox")
    assert len(out) == pytest.approx(3 * RATE_HZ, abs=2)
    assert _level_db(out[RATE_HZ : 2 * RATE_HZ, 0], 440) == pytest.approx(20 * np.log10(8000 / 32768), abs=0.5)


def test_formats(tmp_path: Path) -> None:
    assert Exporter(tmp_path).formats() == {
        "wav": "audio/wav",
        "mp3": "audio/mpeg",
        "m4a": "audio/mp4",
        "vox": "application/octet-stream",
    }


async def test_missing_file_and_unknown_format(exporter: Exporter, tmp_path: Path) -> None:
    with pytest.raises(FileMissingError):
        await exporter.open(_recording(tmp_path / "none.wav"), "wav")
    (tmp_path / "text.wav").write_text("no audio")
    with pytest.raises(FileMissingError):
        await exporter.open(_recording(tmp_path / "text.wav"), "mp3")
    with pytest.raises(FileMissingError):
        await exporter.open(_recording(tmp_path / "a.au"), "mp3")
    path = _written(tmp_path / "a.wav", _stereo(1.5))
    with pytest.raises(ValueInvalidError, match="format not available: ogg"):
        await exporter.open(_recording(path), "ogg")
    with pytest.raises(ValueInvalidError, match="cav is not available: its format is not public"):
        await exporter.open(_recording(path), "CAV")


@pytest.mark.parametrize("suffix", SUFFIXES)
async def test_rendering_holds_a_block_not_the_recording(exporter: Exporter, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "long.wav"
    minutes = 10
    minute = g711.encode_ulaw(_stereo(60)).tobytes()
    with path.open("wb") as file:
        file.write(wav.header("ulaw", RATE_HZ, 2, minutes * 60 * RATE_HZ))
        for _ in range(minutes):
            file.write(minute)
    del minute
    tracemalloc.start()
    try:
        length_bytes, octets = await exporter.open(_recording(path), suffix)
        taken = 0
        async for part in octets:
            taken += len(part)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert taken == length_bytes
    assert peak_bytes < 4 << 20, "the recording has 9.6 MB of samples, and 19.2 MB as PCM"


def _left(folder: Path) -> list[Path]:
    return list(folder.rglob("scratch/*"))


def _open_files() -> set[str]:
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(str(link.readlink()))
    return found


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("way", ["forgotten", "closed", "half taken"])
async def test_client_that_goes_leaves_nothing(exporter: Exporter, tmp_path: Path, suffix: str, way: str) -> None:
    path = _written(tmp_path / "a.wav", _stereo(60))
    _, octets = await exporter.open(_recording(path), suffix)
    assert any(str(tmp_path) in name for name in _open_files())
    if way == "half taken":
        await anext(octets)
    if way == "closed":
        await octets.aclose()  # type: ignore[attr-defined]
    del octets
    gc.collect()
    assert not [name for name in _open_files() if str(tmp_path) in name]
    assert not _left(tmp_path)


async def test_client_that_goes_while_it_renders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = Exporter(tmp_path / "scratch", encoders=1)
    path = _written(tmp_path / "a.wav", np.tile(_stereo(60), (40, 1)))
    render = mp3.Mp3.render
    began = threading.Event()
    ends: queue.Queue[Exception | None] = queue.Queue()

    def watched(*args: Any) -> codecs.Rendering:
        began.set()
        try:
            rendering = render(*args)
        except codecs.RenderingEndedError as error:
            ends.put(error)
            raise
        ends.put(None)
        return rendering

    monkeypatch.setattr(mp3.Mp3, "render", watched)
    tasks = [asyncio.create_task(exporter.open(_recording(path), "mp3")) for _ in range(2)]
    assert await asyncio.to_thread(began.wait, 20)
    for task in tasks:
        task.cancel()
    assert all(isinstance(r, asyncio.CancelledError) for r in await asyncio.gather(*tasks, return_exceptions=True))
    ended = await asyncio.to_thread(ends.get, timeout=60)
    assert isinstance(ended, codecs.RenderingEndedError)
    await exporter.close()
    assert ends.empty(), "the second one never began"
    assert not [name for name in _open_files() if str(tmp_path) in name]


async def test_encoders_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = Exporter(tmp_path / "scratch", encoders=2)
    path = _written(tmp_path / "a.wav", _stereo(10))
    at_once = most = 0
    render = mp3.Mp3.render

    def counted(*args: Any) -> codecs.Rendering:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        try:
            return render(*args)
        finally:
            at_once -= 1

    monkeypatch.setattr(mp3.Mp3, "render", counted)
    await asyncio.gather(*(_exported(exporter, _recording(path), "mp3") for _ in range(6)))
    assert 1 <= most <= 2
    await exporter.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small tmpfs is not permitted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("seconds", [30, 60, 120])
@pytest.mark.parametrize("suffix", THROUGH_FILE)
async def test_full_scratch_is_told_and_freed(small_disk: Path, tmp_path: Path, suffix: str, seconds: int) -> None:
    exporter = Exporter(small_disk / "scratch")
    draw = np.random.default_rng(5)
    pcm = (draw.normal(size=(seconds * RATE_HZ, 2)) * 3000).round().astype(np.int16)
    path = _written(tmp_path / "a.wav", pcm)
    with pytest.raises(DiskFullError):
        await exporter.open(_recording(path), suffix)
    assert os.statvfs(small_disk).f_bavail > 10
    assert await _exported(exporter, _recording(path), "wav")
    await exporter.close()
