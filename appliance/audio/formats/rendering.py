"""What a format is: it *renders* a source into octets.

Where the length is known before (WAV), octets are made while they are sent; where the container needs its end to write
its begin (the tag of an MP3 that tells decoders delay and length), it goes through a scratch file first. At no time is
more than a block of the recording in memory.
"""

from __future__ import annotations

import abc
import dataclasses
import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, ClassVar, final

import numpy as np
import numpy.typing as npt

from appliance.audio.source import Pcm, Source

CHUNK_BYTES = 128 * 1024

Going = Callable[[], bool]
"""Asked between blocks: False ends a rendering that nobody waits for any more."""


class RenderingEndedError(Exception):
    """Nobody waits for the rendering any more."""


class FormatFailedError(Exception):
    """The format's library could not render this source (a full disk, a rate it does not know)."""


@final
@dataclasses.dataclass(slots=True)
class Rendering:
    """Octets to be sent, and what is closed afterwards. ``length_bytes`` counts all of them."""

    length_bytes: int
    octets: Iterator[bytes]
    closed: Callable[[], None]


class Format(abc.ABC):
    """One way to write audio."""

    suffix: ClassVar[str]
    mime: ClassVar[str]

    @abc.abstractmethod
    def render(self, source: Source, scratch: Path, going: Going) -> Rendering:
        """Render the source, which is the rendering's to close from now on, also when this raises.

        May take long; called in a thread. Raises OSError, FormatFailedError, RenderingEndedError.
        """


class ThroughFile(Format):
    """A format whose container is written with seeks: through a file without a name, which no crash leaves behind."""

    def render(self, source: Source, scratch: Path, going: Going) -> Rendering:
        """Write the whole file, then give its octets."""
        scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - the rendering closes it
        try:
            with source:
                self.write(source, file, going)
            length_bytes = file.seek(0, os.SEEK_END)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return Rendering(length_bytes, iter(lambda: file.read(CHUNK_BYTES), b""), file.close)

    @abc.abstractmethod
    def write(self, source: Source, file: BinaryIO, going: Going) -> None:
        """Write the source into the file. Raises as :meth:`render` does."""


def blocks_while(source: Source, going: Going) -> Iterator[Pcm]:
    """Give the blocks of the source for as long as somebody waits. Raises OSError, RenderingEndedError."""
    for block in source.blocks():
        if not going():
            raise RenderingEndedError
        yield block


def to_float(block: Pcm) -> npt.NDArray[np.float32]:
    """Samples from -1 to 1, as encoders take them."""
    return block.astype(np.float32) * np.float32(1 / 32768)


def raise_if_full(file: BinaryIO) -> None:
    """Say what a library does not: that the disk is full. Raises OSError."""
    if os.statvfs(file.fileno()).f_bavail == 0:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
