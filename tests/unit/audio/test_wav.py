"""Our WAV headers are taken by every reader, and unfinished files are read to their end."""

from __future__ import annotations

import subprocess
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from appliance.audio import g711, wav
from appliance.audio.source import BLOCK_FRAMES, WavSource

SUBTYPES = {"ulaw": "ULAW", "alaw": "ALAW", "pcm": "PCM_16"}
EVERY = pytest.mark.parametrize(
    ("encoding", "channels", "frames"),
    [(e, c, f) for e in wav.ENCODINGS for c in (1, 2) for f in (0, 1, 8001, BLOCK_FRAMES + 1)],
)


def _pcm(channels: int, frames: int) -> npt.NDArray[np.int16]:
    turns = np.arange(frames)[:, None] * np.array([0.05, 0.11])[:channels]
    return np.asarray(np.round(9000 * np.sin(2 * np.pi * turns)), dtype=np.int16)


def _octets(encoding: str, pcm: npt.NDArray[np.int16]) -> bytes:
    if encoding == "pcm":
        return pcm.astype("<i2").tobytes()
    return (g711.encode_ulaw if encoding == "ulaw" else g711.encode_alaw)(pcm).tobytes()


def _file(path: Path, encoding: str, channels: int, frames: int, *, told: int | None = None) -> Path:
    header = wav.header(encoding, 8000, channels, frames if told is None else told)
    assert len(header) == wav.header_bytes(encoding)
    path.write_bytes(header + _octets(encoding, _pcm(channels, frames)) + wav.trailer(encoding, channels, frames))
    return path


@EVERY
def test_libsndfile_reads_what_was_written(tmp_path: Path, encoding: str, channels: int, frames: int) -> None:
    path = _file(tmp_path / "a.wav", encoding, channels, frames)
    info = soundfile.info(path)
    assert (info.frames, info.channels, info.samplerate, info.subtype) == (frames, channels, 8000, SUBTYPES[encoding])
    with WavSource(path) as source:
        blocks = list(source.blocks())
    assert all(len(block) <= BLOCK_FRAMES for block in blocks)
    ours = np.concatenate([np.zeros((0, channels), np.int16), *blocks])
    theirs, _ = soundfile.read(path, dtype="int16", always_2d=True)
    assert np.array_equal(ours, theirs)
    assert path.stat().st_size % 2 == 0


@EVERY
def test_sizes_in_the_header_are_those_of_the_file(tmp_path: Path, encoding: str, channels: int, frames: int) -> None:
    octets = _file(tmp_path / "a.wav", encoding, channels, frames).read_bytes()
    assert int.from_bytes(octets[4:8], "little") == len(octets) - 8
    assert not wav.layout(tmp_path / "a.wav").unfinished


@pytest.mark.parametrize("encoding", wav.ENCODINGS)
def test_sox_reads_it(tmp_path: Path, encoding: str) -> None:
    path = _file(tmp_path / "a.wav", encoding, 2, 8001)
    said = subprocess.run(["soxi", path], capture_output=True, text=True, check=True, timeout=20)
    assert "8001 samples" in said.stdout
    assert said.stderr == ""


def test_standard_library_reads_pcm(tmp_path: Path) -> None:
    with wave.open(str(_file(tmp_path / "a.wav", "pcm", 2, 801))) as file:
        assert (file.getnframes(), file.getnchannels(), file.getframerate()) == (801, 2, 8000)


@pytest.mark.parametrize("encoding", wav.ENCODINGS)
@pytest.mark.parametrize("told", [0, 50_000])
def test_unfinished_header_leaves_the_file_readable(tmp_path: Path, encoding: str, told: int) -> None:
    path = _file(tmp_path / "a.wav", encoding, 2, 4000, told=told)
    with path.open("ab") as file:
        file.write(b"\x55")  # half a frame: the writer was killed in the middle of it
    layout = wav.layout(path)
    assert (layout.frames, layout.unfinished) == (4000, True)
    with WavSource(path) as source:
        assert sum(len(block) for block in source.blocks()) == 4000


def test_foreign_chunks_are_skipped(tmp_path: Path) -> None:
    octets = _file(tmp_path / "a.wav", "pcm", 1, 100).read_bytes()
    path = tmp_path / "b.wav"
    path.write_bytes(octets[:12] + b"LIST\x03\x00\x00\x00abc\x00" + octets[12:])
    assert wav.layout(path).frames == 100


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"RIFF",
        b"OggS" + bytes(100),
        b"RIFF\x00\x00\x00\x00WAVE",
        b"RIFF\x00\x00\x00\x00WAVEdata\x00\x00\x00\x00",
        b"RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00",
        wav.header("pcm", 8000, 1, 0).replace(b"\x01\x00\x01\x00", b"\x01\x00\x06\x00"),
        wav.header("pcm", 8000, 1, 0).replace(b"\x01\x00\x01\x00", b"\x03\x00\x01\x00"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(octets)
    with pytest.raises(wav.WavError):
        wav.layout(tmp_path / "a.wav")


def test_what_does_not_fit_into_the_header_is_refused() -> None:
    with pytest.raises(wav.WavError):
        wav.header("pcm", 8000, 2, 1 << 30)
    with pytest.raises(KeyError):
        wav.header("gsm", 8000, 1, 0)
