"""Turn a recording into what every line can play: one side, 16-bit PCM."""

from __future__ import annotations

import contextlib
import wave
from pathlib import Path
from typing import Final

import numpy as np

from appliance.audio.codecs import SOURCES
from appliance.audio.wav import WavError
from appliance.errors import DiskFullError, FileMissingError

LEAST_S: Final = 0.1
"""Length of what is played at least."""


def prepare(recording: Path, file: Path) -> None:
    """Write the recording, its sides mixed, as a WAV file; run in a thread.

    A very short one gets silence behind it, since players refuse what is shorter than a frame. Raises FileMissingError
    where it cannot be read or holds no sound, DiskFullError where there is no room to write.
    """
    try:
        source = SOURCES[recording.suffix.lower()](recording)
    except (OSError, KeyError, WavError, RuntimeError) as error:  # libsndfile's errors are RuntimeErrors
        raise FileMissingError from error
    try:
        with source, contextlib.closing(wave.open(str(file), "wb")) as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(source.rate_hz)
            for block in source.blocks():
                out.writeframes(np.rint(block.mean(axis=1)).astype("<i2").tobytes())
            frames = out.getnframes()
            if not frames:
                raise FileMissingError(f"{recording.name} holds no sound")
            missing = round(LEAST_S * source.rate_hz) - frames
            out.writeframes(bytes(2 * max(0, missing)))
    except OSError as error:
        raise DiskFullError(f"no room to play {recording.name}") from error
