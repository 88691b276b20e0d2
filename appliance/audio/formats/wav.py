"""WAV, which needs no library: a header of known size, then the samples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import final

from appliance.audio import wav
from appliance.audio.formats.rendering import CHUNK_BYTES, Format, FormatFailedError, Going, Rendering
from appliance.audio.source import Source


@final
class Wav(Format):
    """WAV with 16-bit PCM, made while it is sent: every sample of the recording, exactly."""

    suffix = "wav"
    mime = "audio/wav"

    def render(self, source: Source, scratch: Path, going: Going) -> Rendering:
        """Render at once; reads the source only as the octets are taken."""
        del scratch, going
        try:
            header = wav.header("pcm", source.rate_hz, source.channels, source.frames)
        except wav.WavError as error:
            source.close()
            raise FormatFailedError(str(error)) from error
        length_bytes = len(header) + source.frames * wav.frame_bytes("pcm", source.channels)
        return Rendering(length_bytes, _octets(header, source, length_bytes), source.close)


def _octets(header: bytes, source: Source, length_bytes: int) -> Iterator[bytes]:
    """Give exactly the promised length: a file that was cut meanwhile is filled with silence."""
    yield header
    left = length_bytes - len(header)
    for block in source.blocks():
        octets = block.astype("<i2", copy=False).tobytes()
        left -= len(octets)
        yield octets
    while left > 0:
        yield bytes(min(left, CHUNK_BYTES))
        left -= CHUNK_BYTES
