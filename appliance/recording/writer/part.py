"""The growing file beside the final one: ``<final>.part``.

It is a WAV file at any moment: its header tells the frames that were forced to the disk last, and what is behind
them belongs to it too. The number of whole frames in it is the writer's position.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self, final

import numpy as np
import numpy.typing as npt

from appliance.audio import g711, wav

logger = logging.getLogger(__name__)

Pcm = npt.NDArray[np.int16]

_ENCODE: Final[dict[str, Callable[[Pcm], npt.NDArray[np.generic]]]] = {
    "ulaw": g711.encode_ulaw,
    "alaw": g711.encode_alaw,
    "pcm": lambda pcm: pcm.astype("<i2", copy=False),
}
_COPY_FRAMES: Final = 1 << 18


@final
class Part:
    """One ``.part`` file, open for writing. Every method may raise OSError; the file is then whole frames still.

    ``frames`` is the position; ``durable_frames`` what the last :meth:`sync` brought to the disk.
    """

    def __init__(self, path: Path, fd: int, encoding: str, rate_hz: int, channels: int) -> None:
        self.path = path
        self.encoding = encoding
        self.rate_hz = rate_hz
        self.channels = channels
        self.device = os.fstat(fd).st_dev
        self._fd = fd
        self._header_bytes = wav.header_bytes(encoding)
        self._frame_bytes = wav.frame_bytes(encoding, channels)
        self.frames = 0
        self.durable_frames = 0

    @classmethod
    def open(cls, path: Path, encoding: str, rate_hz: int, channels: int) -> Self:
        """Go on with the file that is there, or begin it. An existing file's own header tells its channels."""
        path.with_name(path.name + ".wide").unlink(missing_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            if os.fstat(fd).st_size >= wav.header_bytes(encoding):
                channels = _told_channels(path) or channels
            part = cls(path, fd, encoding, rate_hz, channels)
            part._resume()
        except BaseException:
            os.close(fd)
            raise
        return part

    def append(self, pcm: Pcm) -> None:
        """Append int16 of shape (channels, frames)."""
        octets = memoryview(_encoded(self.encoding, pcm).tobytes())
        at = self._offset(self.frames)
        try:
            while octets:
                written = os.pwrite(self._fd, octets, at)
                octets, at = octets[written:], at + written
        finally:
            self.frames = (at - self._header_bytes) // self._frame_bytes

    def silence(self, begin: int, end: int) -> None:
        """Overwrite what was written between two frames; what lies behind the position is left alone."""
        end = min(end, self.frames)
        for first in range(begin, end, _COPY_FRAMES):
            quiet = np.zeros((self.channels, min(_COPY_FRAMES, end - first)), np.int16)
            _write_all(self._fd, _encoded(self.encoding, quiet).tobytes(), self._offset(first))

    def cut(self, frames: int) -> None:
        """Leave out everything behind ``frames``."""
        os.ftruncate(self._fd, self._offset(frames))
        self.frames = frames
        self.durable_frames = min(self.durable_frames, frames)

    def widen(self, channel: int) -> None:
        """Make a mono file stereo: what is there stays on ``channel`` (0 left, 1 right), the other is silent."""
        wide = self.path.with_name(self.path.name + ".wide")
        fd = os.open(wide, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        try:
            self._copy_wide(fd, channel)
            os.fsync(fd)
            wide.replace(self.path)
        except BaseException:
            os.close(fd)
            raise
        os.close(self._fd)
        self._fd = fd
        self.channels = 2
        self._frame_bytes = wav.frame_bytes(self.encoding, 2)

    def sync(self) -> None:
        """Force what was appended to the disk. If that fails, the position falls back to where it last worked."""
        try:
            self.write_header()
            os.fdatasync(self._fd)
        except OSError:
            self.fall_back()
            raise
        self.synced()

    def synced(self) -> None:
        """Note that the whole file system was forced to the disk."""
        self.durable_frames = self.frames

    def fall_back(self) -> None:
        """Give up what may not be on the disk: it is written again, since the spool still has it."""
        self.frames = self.durable_frames
        with contextlib.suppress(OSError):  # the disk is told as faulty already; the next append tries again
            os.ftruncate(self._fd, self._offset(self.frames))

    def write_header(self) -> None:
        """Let the header tell the position."""
        most = wav.MOST_DATA_BYTES // self._frame_bytes
        head = wav.header(self.encoding, self.rate_hz, self.channels, min(self.frames, most))
        _write_all(self._fd, head, 0)

    def seal(self) -> None:
        """Make the file what the final one shall be, and force it to the disk."""
        self.cut(self.frames)
        self.write_header()
        _write_all(self._fd, wav.trailer(self.encoding, self.channels, self.frames), self._offset(self.frames))
        os.fsync(self._fd)
        self.synced()

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _resume(self) -> None:
        size = os.fstat(self._fd).st_size
        if size < self._header_bytes:
            self.write_header()
            size = self._header_bytes
        self.frames = self.durable_frames = (size - self._header_bytes) // self._frame_bytes
        if self._is_padded(size):
            self.frames = self.durable_frames = self.frames - 1
        os.ftruncate(self._fd, self._offset(self.frames))

    def _is_padded(self, size: int) -> bool:
        """Tell whether the last octet is the padding of a sealed file and no frame."""
        if self._frame_bytes != 1 or not self.frames:
            return False
        if not _told_channels(self.path):
            return False
        told = wav.layout(self.path).frames
        return told % 2 == 1 and told == self.frames - 1 and os.pread(self._fd, 1, size - 1) == b"\0"

    def _copy_wide(self, fd: int, channel: int) -> None:
        _write_all(fd, wav.header(self.encoding, self.rate_hz, 2, self.frames), 0)
        quiet = _encoded(self.encoding, np.zeros((1, 1), np.int16))[0, 0]
        for first in range(0, self.frames, _COPY_FRAMES):
            octets = os.pread(self._fd, _COPY_FRAMES * self._frame_bytes, self._offset(first))
            mono = np.frombuffer(octets, quiet.dtype)
            both = np.full((len(mono), 2), quiet)
            both[:, channel] = mono
            _write_all(fd, both.tobytes(), self._header_bytes + first * 2 * self._frame_bytes)

    def _offset(self, frame: int) -> int:
        return self._header_bytes + frame * self._frame_bytes


def _encoded(encoding: str, pcm: Pcm) -> npt.NDArray[np.generic]:
    """Encode (channels, frames) and bring it into the file's order, a frame after the other."""
    encoded = _ENCODE[encoding](pcm)
    octets = np.empty(encoded.shape[::-1], encoded.dtype)
    for channel, samples in enumerate(encoded):  # five times as fast as a copy of the transposed
        octets[:, channel] = samples
    return octets


def _told_channels(path: Path) -> int:
    """Read the channels from a header; 0 if the loss of power has spoilt it."""
    try:
        return wav.layout(path).channels
    except wav.WavError as fault:
        logger.error("%s: %s; its header is written anew", path, fault)  # noqa: TRY400 - there is no more to tell
        return 0


def _write_all(fd: int, octets: bytes, at: int) -> None:
    while octets:
        written = os.pwrite(fd, octets, at)
        octets, at = octets[written:], at + written
