"""What can be played: every form in which the box writes recordings, and nothing that is no sound."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from appliance.audio import codecs, g711, measure, wav
from appliance.audio.formats.rendering import ThroughFile
from appliance.errors import FileMissingError
from appliance.playback.audio import prepare

RATE_HZ = 8000
FRAMES = 24_001


def voice() -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Noise without the highest tones, which a codec may leave out."""
    noise = np.random.default_rng(8).normal(0, 2500, FRAMES)
    return np.convolve(noise, np.ones(6) / 2.4, "same").astype(np.int16)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "r.wav"
    path.write_bytes(wav.header("pcm", RATE_HZ, 2, FRAMES) + np.column_stack([voice(), voice()]).tobytes())
    return path


@pytest.mark.parametrize(("suffix", "likeness"), [("mp3", 0.95), ("m4a", 0.95), ("vox", 0.98), ("wav", 0.9999)])
def test_a_recording_sounds_the_same_from_every_form(
    recording: Path, tmp_path: Path, suffix: str, likeness: float
) -> None:
    form = codecs.FORMATS[suffix]
    path = recording
    if isinstance(form, ThroughFile):
        path = recording.with_suffix(f".{suffix}")
        with codecs.SOURCES[".wav"](recording) as source, path.open("w+b") as file:
            form.write(source, file, lambda: True)
    prepare(path, tmp_path / "out.wav")
    with wave.open(str(tmp_path / "out.wav")) as out:
        assert (out.getnchannels(), out.getsampwidth(), out.getframerate()) == (1, 2, RATE_HZ)
        pcm = np.frombuffer(out.readframes(out.getnframes()), np.int16)
    assert abs(len(pcm) - FRAMES) <= 1
    found = measure.find_offset(voice(), pcm[:FRAMES])
    assert found.frames == 0
    assert found.likeness > likeness


@pytest.mark.parametrize(("encoding", "likeness"), [("ulaw", 0.999), ("alaw", 0.999), ("pcm", 0.9999)])
def test_every_encoding_of_a_recording_is_played(tmp_path: Path, encoding: str, likeness: float) -> None:
    octets = {
        "ulaw": g711.encode_ulaw(voice()).tobytes(),
        "alaw": g711.encode_alaw(voice()).tobytes(),
        "pcm": voice().tobytes(),
    }
    (tmp_path / "r.wav").write_bytes(wav.header(encoding, RATE_HZ, 1, FRAMES) + octets[encoding])
    prepare(tmp_path / "r.wav", tmp_path / "out.wav")
    with wave.open(str(tmp_path / "out.wav")) as out:
        found = measure.find_offset(voice(), np.frombuffer(out.readframes(FRAMES), np.int16))
    assert found.frames == 0
    assert found.likeness > likeness


@pytest.mark.parametrize(("frames", "played"), [(1, 800), (799, 800), (801, 801)])
def test_a_very_short_one_is_long_enough_for_a_player(tmp_path: Path, frames: int, played: int) -> None:
    (tmp_path / "r.wav").write_bytes(wav.header("pcm", RATE_HZ, 1, frames) + voice()[:frames].tobytes())
    prepare(tmp_path / "r.wav", tmp_path / "out.wav")
    with wave.open(str(tmp_path / "out.wav")) as out:
        assert out.getnframes() == played


def test_one_without_a_sample_is_not_played(tmp_path: Path) -> None:
    (tmp_path / "r.wav").write_bytes(wav.header("pcm", RATE_HZ, 1, 0))
    with pytest.raises(FileMissingError, match="no sound"):
        prepare(tmp_path / "r.wav", tmp_path / "out.wav")


@pytest.mark.parametrize("name", ["x.wav", "x.mp3", "x.m4a", "x.txt", "x"])
def test_what_is_no_sound_is_not_played(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("no sound at all")
    with pytest.raises(FileMissingError):
        prepare(tmp_path / name, tmp_path / "out.wav")
