"""MP3, by libsndfile."""

from __future__ import annotations

from typing import BinaryIO, final

import numpy as np
import soundfile

from appliance.audio.formats.rendering import (
    FormatFailedError,
    Going,
    ThroughFile,
    blocks_while,
    raise_if_full,
    to_float,
)
from appliance.audio.source import Source


@final
class Mp3(ThroughFile):
    """MPEG layer III: variable rate, about 26 kbit/s for a side of speech. Shift 0, exact length."""

    suffix = "mp3"
    mime = "audio/mpeg"

    def write(self, source: Source, file: BinaryIO, going: Going) -> None:
        """Encode block by block; the tag with delay and length is written at the end.

        The samples are given as floats: libsndfile 1.2.2 garbles 16-bit stereo on its way into the encoder.
        """
        try:
            frames = _encode(source, file, going)
            file.seek(0)
            with soundfile.SoundFile(file.fileno(), closefd=False) as written:
                whole = written.frames == frames
        except soundfile.SoundFileError as error:
            raise_if_full(file)
            raise FormatFailedError(f"mp3: {error}") from error
        if not whole:  # what the library still held when it closed did not find room
            raise_if_full(file)
            raise FormatFailedError("mp3: the encoder lost frames")


def _encode(source: Source, file: BinaryIO, going: Going) -> int:
    frames = 0
    with soundfile.SoundFile(
        file.fileno(), "w", source.rate_hz, source.channels, "MPEG_LAYER_III", format="MP3", closefd=False
    ) as encoder:
        for block in blocks_while(source, going):
            encoder.write(to_float(block))
            frames += len(block)
        if not frames:  # no player takes a file without a frame
            encoder.write(np.zeros((1, source.channels), np.float32))
            frames = 1
    return frames
