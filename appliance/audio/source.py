"""Read recorded audio block by block, whatever its encoding, as int16."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, final

import av
import numpy as np
import numpy.typing as npt
import soundfile

from appliance.audio import g711, wav

Pcm = npt.NDArray[np.int16]

BLOCK_FRAMES = 32_768


class Source(Protocol):
    """Audio that is read from its begin to its end, once. Not for two threads at a time."""

    rate_hz: int
    channels: int
    frames: int

    def blocks(self) -> Iterator[Pcm]:
        """Give the rest as arrays of (frames, channels), at most BLOCK_FRAMES long. Raises OSError."""
        ...

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        ...

    def __enter__(self) -> Self:
        """Give the source, to be closed at the end of the block."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        ...


class _Closing:
    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@final
class WavSource(_Closing):
    """A WAV file of the box, finished or not. Raises OSError, and WavError for other files."""

    def __init__(self, path: Path) -> None:
        layout = wav.layout(path)
        self.rate_hz = layout.rate_hz
        self.channels = layout.channels
        self.frames = layout.frames
        self._encoding = layout.encoding
        self._frame_bytes = wav.frame_bytes(layout.encoding, layout.channels)
        self._left = layout.frames
        self._file = path.open("rb")
        self._file.seek(layout.data_at)

    def blocks(self) -> Iterator[Pcm]:
        """Give the rest as arrays of (frames, channels); ends early where the file was cut meanwhile."""
        while self._left > 0:
            octets = self._file.read(min(self._left, BLOCK_FRAMES) * self._frame_bytes)
            frames = len(octets) // self._frame_bytes
            if not frames:
                return
            self._left -= frames
            yield self._decoded(octets[: frames * self._frame_bytes])

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _decoded(self, octets: bytes) -> Pcm:
        if self._encoding == "pcm":
            pcm = np.frombuffer(octets, dtype="<i2").astype(np.int16, copy=False)
        else:
            decode = g711.decode_ulaw if self._encoding == "ulaw" else g711.decode_alaw
            pcm = decode(np.frombuffer(octets, dtype=np.uint8))
        return pcm.reshape(-1, self.channels)


@final
class LibrarySource(_Closing):
    """A file that libsndfile reads (mp3). Raises soundfile.LibsndfileError."""

    def __init__(self, path: Path) -> None:
        self._file = soundfile.SoundFile(path)
        self.rate_hz: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.frames: int = self._file.frames

    def blocks(self) -> Iterator[Pcm]:
        """Give the rest as arrays of (frames, channels)."""
        yield from self._file.blocks(BLOCK_FRAMES, dtype="int16", always_2d=True)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


_VOX_RATE_HZ = 8000


@final
class VoxSource(_Closing):
    """A file of Dialogic's ADPCM: no header, 8 kHz, one channel. Raises soundfile.LibsndfileError."""

    def __init__(self, path: Path) -> None:
        self._file = soundfile.SoundFile(path, samplerate=_VOX_RATE_HZ, channels=1, format="RAW", subtype="VOX_ADPCM")
        self.rate_hz = _VOX_RATE_HZ
        self.channels = 1
        self.frames = 2 * path.stat().st_size

    def blocks(self) -> Iterator[Pcm]:
        """Give the rest as arrays of (frames, 1)."""
        while len(block := self._file.read(BLOCK_FRAMES, dtype="int16", always_2d=True)):
            yield block

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@final
class M4aSource(_Closing):
    """An MPEG-4 file with audio, by FFmpeg's libraries. Raises OSError where it is none (FFmpeg's errors are such)."""

    def __init__(self, path: Path) -> None:
        try:
            self._container = av.open(str(path))
        except av.FFmpegError as error:
            raise OSError(str(error)) from error
        if not self._container.streams.audio:
            self._container.close()
            raise OSError(f"{path.name} has no audio")
        stream = self._container.streams.audio[0]
        self.rate_hz: int = stream.rate
        self.channels = 1 if stream.channels == 1 else 2
        seconds = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
        self.frames = round(seconds * stream.rate)

    def blocks(self) -> Iterator[Pcm]:
        """Give the rest as arrays of (frames, channels), a coded block each. Raises OSError."""
        to_int16 = av.AudioResampler(format="s16", layout="mono" if self.channels == 1 else "stereo")
        left = self.frames or None
        try:
            for frame in self._container.decode(audio=0):
                for made in to_int16.resample(frame):
                    block = made.to_ndarray().reshape(-1, self.channels)[:left].astype(np.int16, copy=False)
                    left = None if left is None else left - len(block)
                    yield block
                    if left == 0:
                        return
        except av.FFmpegError as error:
            raise OSError(str(error)) from error

    def close(self) -> None:
        """Close the file."""
        self._container.close()
