"""WAV files as the box writes them: the header's octets, and the layout of a file, its header unfinished or not.

Layout: ``RIFF`` size ``WAVE``, ``fmt ``, for µ-law and A-law ``fact`` (number of frames), ``data``. Multimedia
Programming Interface 1.0 (1991) and RFC 2361 (registered format tags). The header's length depends on the encoding
alone, so it can be written first with 0 frames and again, in place, when the length is known.
"""

from __future__ import annotations

import dataclasses
import struct
from typing import TYPE_CHECKING, BinaryIO, final

if TYPE_CHECKING:
    from pathlib import Path

ENCODINGS: tuple[str, ...] = ("ulaw", "alaw", "pcm")
"""Names of the encodings, as the settings and the facts of a recording have them."""

MOST_DATA_BYTES = 0xFFFF_FFFF - 1024
"""The sizes in the header are 32 bits wide; a longer file needs another container."""

_TAGS: dict[str, int] = {"pcm": 1, "alaw": 6, "ulaw": 7}
_SAMPLE_BYTES: dict[str, int] = {"pcm": 2, "alaw": 1, "ulaw": 1}
_ENCODING_OF_FORM: dict[tuple[int, int], str] = {(tag, 8 * _SAMPLE_BYTES[name]): name for name, tag in _TAGS.items()}


class WavError(ValueError):
    """The octets are no WAV file, or one of a kind that the box does not write."""


def frame_bytes(encoding: str, channels: int) -> int:
    """Octets of one frame, which holds one sample of each channel."""
    return _SAMPLE_BYTES[encoding] * channels


def header_bytes(encoding: str) -> int:
    """Octets of the header, whatever the number of channels and frames."""
    return 44 if encoding == "pcm" else 58


def header(encoding: str, rate_hz: int, channels: int, frames: int) -> bytes:
    """Build the header of a file with ``frames`` frames; 0 stands in an unfinished file.

    Raises KeyError for an unknown encoding, WavError where the data would not fit into 32 bits.
    """
    block_bytes = frame_bytes(encoding, channels)
    data_bytes = frames * block_bytes
    if data_bytes > MOST_DATA_BYTES:
        raise WavError(f"{frames} frames are too many for one WAV file")
    form = struct.pack(
        "<HHIIHH",
        _TAGS[encoding],
        channels,
        rate_hz,
        rate_hz * block_bytes,
        block_bytes,
        8 * _SAMPLE_BYTES[encoding],
    )
    if encoding == "pcm":
        chunks = _chunk(b"fmt ", form)
    else:
        chunks = _chunk(b"fmt ", form + struct.pack("<H", 0)) + _chunk(b"fact", struct.pack("<I", frames))
    padded = data_bytes + len(trailer(encoding, channels, frames))
    head = b"RIFF" + struct.pack("<I", 4 + len(chunks) + 8 + padded) + b"WAVE"
    return head + chunks + b"data" + struct.pack("<I", data_bytes)


def trailer(encoding: str, channels: int, frames: int) -> bytes:
    """Octets to put behind the data of a finished file: a chunk of odd length is padded with one zero octet."""
    return bytes(frames * frame_bytes(encoding, channels) % 2)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """Where the samples of a file lie. ``unfinished``: the header does not tell the length that the file has."""

    encoding: str
    rate_hz: int
    channels: int
    data_at: int
    frames: int
    unfinished: bool


def layout(path: Path) -> Layout:
    """Read the header of a file, and its length from the disk where the header has none (a killed writer's file).

    Raises OSError, and WavError where it is no file of ours.
    """
    with path.open("rb") as file:
        size_bytes = file.seek(0, 2)
        file.seek(0)
        return _layout(file, size_bytes)


def _layout(file: BinaryIO, size_bytes: int) -> Layout:
    start = file.read(12)
    if start[:4] != b"RIFF" or start[8:] != b"WAVE":
        raise WavError("no RIFF WAVE file")
    form: tuple[str, int, int] | None = None
    while len(head := file.read(8)) == 8:
        name, length = head[:4], int.from_bytes(head[4:], "little")
        if name == b"data":
            if form is None:
                raise WavError("no fmt chunk before the data")
            return _placed(form, file.tell(), length, size_bytes)
        body_at = file.tell()
        if name == b"fmt ":
            form = _form(file.read(16))
        file.seek(body_at + length + length % 2)
    raise WavError("no data chunk")


def _form(body: bytes) -> tuple[str, int, int]:
    if len(body) < 16:
        raise WavError("the fmt chunk is too short")
    tag, channels, rate_hz, _, _, bits = struct.unpack("<HHIIHH", body)
    encoding = _ENCODING_OF_FORM.get((tag, bits))
    if encoding is None or not 1 <= channels <= 2 or not rate_hz:
        raise WavError(f"format {tag} with {bits} bits, {channels} channels, {rate_hz} Hz is none of ours")
    return encoding, rate_hz, channels


def _placed(form: tuple[str, int, int], data_at: int, told_bytes: int, size_bytes: int) -> Layout:
    encoding, rate_hz, channels = form
    block_bytes = frame_bytes(encoding, channels)
    there_bytes = max(size_bytes - data_at, 0)
    unfinished = told_bytes > there_bytes or (told_bytes == 0 and there_bytes >= block_bytes)
    frames = (there_bytes if unfinished else told_bytes) // block_bytes
    return Layout(encoding, rate_hz, channels, data_at, frames, unfinished)
