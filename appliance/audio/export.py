"""Give a recording in another format, as octets that a client takes at its own pace.

Implements ``appliance.bus.commands.Exporter``. Rendering runs in a few threads of low priority, so that exports never
take the processor from recording; whoever comes when all are busy waits for a turn. At no time is more than a block of
a recording in memory, and a client that goes away ends the work for it.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, final

import soundfile

from appliance.audio.codecs import FORMATS, REFUSED, SOURCES, FormatFailedError, Rendering, RenderingEndedError
from appliance.audio.wav import WavError
from appliance.errors import DiskFullError, FileMissingError, LinetapError, ValueInvalidError
from appliance.recording.facts import Recording

logger = logging.getLogger(__name__)

_NICE = 10


@final
class ExportOctets:
    """The octets of one export, as an asynchronous iterator. Also lets go of everything when it is forgotten."""

    def __init__(self, rendering: Rendering) -> None:
        self._rendering = rendering
        self._open = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Give the next octets; the reading, and for WAV the making, runs in a thread. Raises OSError."""
        if not self._open:
            raise StopAsyncIteration
        try:
            octets = await asyncio.to_thread(next, self._rendering.octets, None)
        except soundfile.SoundFileError as error:
            self.close()
            raise OSError(errno.EIO, str(error)) from error
        except BaseException:
            self.close()
            raise
        if octets is None:
            self.close()
            raise StopAsyncIteration
        return octets

    async def aclose(self) -> None:
        """End early."""
        self.close()

    def close(self) -> None:
        """Close the files; a second time does nothing."""
        if self._open:
            self._open = False
            self._rendering.closed()

    def __del__(self) -> None:
        self.close()


@final
class Exporter:
    """Renders recordings. ``scratch`` is a folder of its own, for files that have no name and go by themselves."""

    def __init__(self, scratch: Path, *, encoders: int = 2) -> None:
        self._scratch = scratch
        self._encoders = ThreadPoolExecutor(encoders, "export", initializer=_give_way)
        self._closed = threading.Event()

    def formats(self) -> dict[str, str]:
        """Suffix -> MIME type of everything that can be exported."""
        return {suffix: entry.mime for suffix, entry in FORMATS.items()}

    def media_type(self, suffix: str) -> str:
        """Give the MIME type of a suffix in any letter case. Raises ValueInvalidError that says what is wrong."""
        entry = FORMATS.get(suffix.lower())
        if entry is None:
            raise ValueInvalidError(REFUSED.get(suffix.lower(), f"format not available: {suffix}"))
        return entry.mime

    async def open(self, recording: Recording, suffix: str) -> tuple[int | None, AsyncIterator[bytes]]:
        """Give the length in bytes and the octets, in any letter case of the suffix.

        Returns when the first octets are there, which for formats with a late header means all of them: an hour in
        stereo takes some 20 s as MP3. Raises FileMissingError, ValueInvalidError, DiskFullError.
        """
        self.media_type(suffix)
        wanted = threading.Event()
        wanted.set()
        turn = self._encoders.submit(self._render, recording, suffix.lower(), wanted)
        try:
            rendering = await asyncio.shield(asyncio.wrap_future(turn))
        except asyncio.CancelledError:
            wanted.clear()
            if not turn.cancel():
                turn.add_done_callback(lambda done: None if done.exception() else done.result().closed())
            raise
        return rendering.length_bytes, ExportOctets(rendering)

    async def close(self) -> None:
        """End every rendering that goes on."""
        self._closed.set()
        await asyncio.to_thread(self._encoders.shutdown, cancel_futures=True)

    def _render(self, recording: Recording, suffix: str, wanted: threading.Event) -> Rendering:
        path = Path(recording.filename)
        try:
            source = SOURCES[path.suffix.lower()](path)
        except (OSError, KeyError, WavError, soundfile.SoundFileError) as error:
            logger.warning("record %d cannot be exported: %s: %s", recording.record_id, path, error)
            raise FileMissingError from error
        try:
            return FORMATS[suffix].render(source, self._scratch, lambda: wanted.is_set() and not self._closed.is_set())
        except RenderingEndedError as error:
            raise LinetapError("the export was given up") from error
        except (OSError, FormatFailedError) as error:
            raise self._told(recording, suffix, error) from error

    def _told(self, recording: Recording, suffix: str, error: Exception) -> LinetapError:
        logger.error("record %d cannot be rendered as %s: %s", recording.record_id, suffix, error)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return DiskFullError(f"no room to render as {suffix}")
        return ValueInvalidError(f"cannot be rendered as {suffix}: {error}")


def _give_way() -> None:
    """Lower the priority of the calling thread, which on Linux has one of its own."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
