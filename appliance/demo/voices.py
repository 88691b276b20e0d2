"""The two voices of the demonstration: spoken by espeak-ng, put one after the other on a leg each."""

from __future__ import annotations

import dataclasses
import io
import subprocess
import wave
from pathlib import Path
from typing import Final, final

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

RATE_HZ: Final = 8000
PEAK_DBFS: Final = -6.0
PAUSE_S: Final = 0.35
SPEAKER: Final = "espeak-ng"
CALLER, AGENT = 0, 1
_VOICES: Final = ("en-gb+m3", "en-us+f3")
_DIALOGUE: Final = (
    (AGENT, "Good morning, this is Linetap support. How may I help you?"),
    (CALLER, "Hello. I would like to know whether my call is being recorded."),
    (AGENT, "It is. Your voice is on the left, and mine is on the right."),
    (CALLER, "And if somebody pulls the plug?"),
    (AGENT, "Then at most the last second is missing, and the recording says so."),
    (CALLER, "That is all I wanted to hear. Goodbye."),
)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Turn:
    """Who speaks from where to where, in frames from the begin of the dialogue."""

    leg: int
    text: str
    begin: int
    end: int


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Dialogue:
    """What is said: ``legs`` have the shape (2, frames), int16 at 8 kHz; only one speaks at a time."""

    legs: npt.NDArray[np.int16]
    turns: tuple[Turn, ...]

    @property
    def seconds(self) -> float:
        """Its length."""
        return int(self.legs.shape[1]) / RATE_HZ


def speak() -> Dialogue:
    """Have the dialogue spoken. Raises FileNotFoundError where espeak-ng is absent, CalledProcessError if it fails."""
    pause = round(PAUSE_S * RATE_HZ)
    turns, spoken, at = [], [], pause
    for leg, text in _DIALOGUE:
        voice = _say(text, _VOICES[leg])
        turns.append(Turn(leg, text, at, at + len(voice)))
        spoken.append(voice)
        at += len(voice) + pause
    legs = np.zeros((2, at), np.int16)
    for turn, voice in zip(turns, spoken, strict=True):
        legs[turn.leg, turn.begin : turn.end] = voice
    return Dialogue(legs, tuple(turns))


def write_leg(dialogue: Dialogue, leg: int, path: Path) -> Path:
    """Write a leg as the WAV file that the phone plays; gives its path."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(dialogue.legs[leg].tobytes())
    return path


def _say(text: str, voice: str) -> npt.NDArray[np.int16]:
    done = subprocess.run(
        [SPEAKER, "-v", voice, "-s", "165", "--stdout", text], capture_output=True, check=True, timeout=20
    )
    samples, rate_hz = soundfile.read(io.BytesIO(done.stdout), dtype="float64")
    narrow = np.asarray(soxr.resample(samples, rate_hz, RATE_HZ), dtype=np.float64)
    heard = np.flatnonzero(np.abs(narrow) > 1e-3)
    narrow = narrow[heard[0] : heard[-1] + 1]
    peak = 10 ** (PEAK_DBFS / 20)
    return np.asarray(np.round(narrow / np.max(np.abs(narrow)) * peak * 32767), dtype=np.int16)
