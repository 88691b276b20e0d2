"""VOX: the ADPCM of Dialogic cards (OKI), by libsndfile. Four bits a sample, 8 kHz, one channel, no header."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, final

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from appliance.audio.formats.rendering import FormatFailedError, Going, ThroughFile, blocks_while, raise_if_full
from appliance.audio.source import Pcm, Source

RATE_HZ = 8000
Mono = npt.NDArray[np.int16]


@final
class Vox(ThroughFile):
    """Both sides mixed to one, each at half its level so that nothing clips. Shift 0.

    An octet holds two samples: an odd recording is one sample of silence longer. The code has no word for a change of
    nothing, so silence is ±1 of its 12 bits, -66 dBFS. A rate other than 8 kHz is converted.
    """

    suffix = "vox"
    mime = "application/octet-stream"

    def write(self, source: Source, file: BinaryIO, going: Going) -> None:
        """Mix, convert and encode block by block."""
        try:
            frames = _encode(source, file, going)
        except soundfile.SoundFileError as error:
            raise_if_full(file)
            raise FormatFailedError(f"vox: {error}") from error
        if file.seek(0, 2) != frames // 2:
            raise_if_full(file)
            raise FormatFailedError("vox: the encoder lost frames")


def _encode(source: Source, file: BinaryIO, going: Going) -> int:
    frames = 0
    with soundfile.SoundFile(file.fileno(), "w", RATE_HZ, 1, "VOX_ADPCM", format="RAW", closefd=False) as encoder:
        for block in _even(_at_rate(source, _mixed(source, going))):
            encoder.write(block)
            frames += len(block)
    return frames


def _mixed(source: Source, going: Going) -> Iterator[Mono]:
    for block in blocks_while(source, going):
        yield _mix(block)


def _mix(block: Pcm) -> Mono:
    if block.shape[1] == 1:
        return block[:, 0]
    mixed: Mono = (block.sum(axis=1, dtype=np.int32) // block.shape[1]).astype(np.int16)
    return mixed


def _at_rate(source: Source, blocks: Iterator[Mono]) -> Iterator[Mono]:
    if source.rate_hz == RATE_HZ:
        yield from blocks
        return
    converter: Any = soxr.ResampleStream(source.rate_hz, RATE_HZ, 1, dtype="int16")
    for block in blocks:
        yield converter.resample_chunk(block)
    yield converter.resample_chunk(np.zeros(0, np.int16), last=True)


def _even(blocks: Iterator[Mono]) -> Iterator[Mono]:
    """Give blocks of even length, the last one filled with silence: the library takes no others."""
    odd = np.zeros(0, np.int16)
    for block in blocks:
        whole = np.concatenate((odd, block))
        even = len(whole) & ~1
        odd = whole[even:]
        if even:
            yield whole[:even]
    if odd.size:
        yield np.append(odd, np.int16(0))
