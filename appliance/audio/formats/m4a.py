"""M4A: AAC in an MPEG-4 container (ISO/IEC 14496-3 and -14), by FFmpeg's libraries."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import BinaryIO, final

import av
import numpy as np
from av.audio.stream import AudioStream

from appliance.audio.formats.rendering import (
    FormatFailedError,
    Going,
    ThroughFile,
    blocks_while,
    raise_if_full,
    to_float,
)
from appliance.audio.source import Pcm, Source

_LAYOUTS = {1: "mono", 2: "stereo"}
_SIDES_APART = {"aac_ms": "0", "aac_is": "0", "aac_pns": "0"}
_MOST_BITS_PER_S = 64_000


@final
class M4a(ThroughFile):
    """AAC, low complexity: three bits a sample, 24 kbit/s for a side at 8 kHz. Shift 0.

    The container tells delay and length exactly (its edit list counts frames, not the usual milliseconds); a decoder
    that does not look there adds silence of less than one block (1024 frames) at the end. Neither sum nor intensity of
    the sides is coded, and no noise put in for real one, so that nothing goes from one side to the other.
    """

    suffix = "m4a"
    mime = "audio/mp4"

    def write(self, source: Source, file: BinaryIO, going: Going) -> None:
        """Encode block by block; the index is written at the end."""
        if source.channels not in _LAYOUTS:
            raise FormatFailedError(f"m4a: {source.channels} channels")
        try:
            _encode(source, file, going)
            file.flush()
        except (av.FFmpegError, ValueError) as error:
            raise_if_full(file)
            raise FormatFailedError(f"m4a: {error}") from error


def _encode(source: Source, file: BinaryIO, going: Going) -> None:
    options = {"movie_timescale": str(source.rate_hz)}
    with av.open(file, "w", format="ipod", container_options=options) as container:
        stream = container.add_stream(
            "aac", rate=source.rate_hz, layout=_LAYOUTS[source.channels], options=_SIDES_APART
        )
        stream.bit_rate = min(3 * source.rate_hz, _MOST_BITS_PER_S) * source.channels
        for frame in _frames(source, stream, going):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _frames(source: Source, stream: AudioStream, going: Going) -> Iterator[av.AudioFrame]:
    at = 0
    for block in blocks_while(source, going):
        yield _frame(block, at, stream)
        at += len(block)
    if not at:  # no player takes a file without a frame
        yield _frame(np.zeros((1, source.channels), np.int16), 0, stream)


def _frame(block: Pcm, at: int, stream: AudioStream) -> av.AudioFrame:
    planes = np.ascontiguousarray(to_float(block).T)
    frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=stream.layout.name)
    frame.sample_rate = stream.rate
    frame.time_base = Fraction(1, stream.rate)
    frame.pts = at
    return frame
