"""Where a tap worker puts the audio of one session: appended to memory, never waiting for anything."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from appliance.clock import monotonic_s, now
from appliance.spool.journal import Journal
from appliance.spool.layout import CAPTURE_FILE, Spool
from appliance.spool.records import Closed, LegOpened, Lost, Measured, Opened
from drivers.contract import LossReason, Party

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FRAME = np.dtype("<i2")
_FRAME_BYTES = _FRAME.itemsize


@final
class _Leg:
    """A leg that is appended to: its file and its place on its own time line (captured and lost frames)."""

    __slots__ = ("fd", "file_bytes", "frames")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.file_bytes = 0
        self.frames = 0


@final
class SpoolSession:
    """One capture session's files; implements :class:`drivers.contract.SessionSink`. Any thread may call.

    When the memory is full nothing is raised into the driver: frames that found no room become a loss with the
    reason ``spool full``, told as soon as there is room again, and the time line stays true.
    """

    def __init__(self, spool: Spool, session: str, tap: str, line: str, lock: Path) -> None:
        """Make the session's folder, which an order of the core may have made before.

        ``lock`` is the worker's lock file. Raises FileExistsError if the session was captured already, OSError.
        """
        self._session = session
        self._folder = spool.folder(session)
        self._guard = threading.Lock()
        self._legs: dict[int, _Leg] = {}
        self._untold: list[Lost] = []
        self._closed = False
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._journal = Journal(self._folder / CAPTURE_FILE, new=True)
        self._journal.append(
            Opened(session=session, tap=tap, line=line, lock=str(lock), opened_at=now(), opened_mono_s=monotonic_s())
        )

    @property
    def session(self) -> str:
        """The session's identifier."""
        return self._session

    def open_leg(self, leg: int, party: Party, rate_hz: int, *, before_s: float = 0) -> None:
        """Open a leg for :meth:`append`; its first frame is ``before_s`` old. Raises FileExistsError."""
        started = monotonic_s() - before_s
        with self._guard:
            path = self._folder / f"leg{leg}.pcm"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            fd = os.open(path, flags, 0o600)
            self._legs[leg] = _Leg(fd)
            self._tell_leg(leg, path.name, party, rate_hz, started, 0)

    def append(self, leg: int, pcm: npt.NDArray[np.int16], *, lost_before: int = 0) -> None:
        """Append a block of any length; ``lost_before`` frames are missing before it (reason: overflow).

        A block that comes after :meth:`close` lies outside the session and is left out.
        """
        with self._guard:
            if self._closed:
                return
            open_leg = self._legs[leg]
            if lost_before:
                self._lose(leg, lost_before, LossReason.OVERFLOW)
            if self._untold and not self._tell_untold():
                self._lose(leg, len(pcm), LossReason.SPOOL_FULL)
                return
            written = _append_frames(open_leg, pcm)
            open_leg.frames += written
            if written < len(pcm):
                self._lose(leg, len(pcm) - written, LossReason.SPOOL_FULL)

    def leg_file(self, leg: int, party: Party, rate_hz: int, *, skip_frames: int = 0) -> Path:
        """Open a leg that a library writes as mono 16-bit WAV by itself; gives the path to write to."""
        started = monotonic_s()
        with self._guard:
            path = self._folder / f"leg{leg}.wav"
            self._tell_leg(leg, path.name, party, rate_hz, started, skip_frames)
        return path

    def lost(self, leg: int, at_frame: int, frames: int, reason: LossReason, *, in_file: bool) -> None:
        """Say that frames are missing: ``in_file`` when the leg holds silence or concealment in their place."""
        with self._guard:
            if self._closed:
                return
            appended = self._legs.get(leg)
            if appended is not None and not in_file:
                self._lose(leg, frames, reason)  # its place is where the leg stands, by the order of the calls
            else:
                self._queue(Lost(leg=leg, at_frame=at_frame, frames=frames, reason=reason, in_file=in_file))
            self._tell_untold()

    def measured(self, facts: dict[str, Any]) -> None:
        """Add measured facts. In a full memory they are left out, for audio goes first."""
        with self._guard:
            if not self._closed:
                self._try_append(Measured(facts=facts))

    def close(self, reason: str) -> None:
        """End the session; a second time does nothing.

        Raises OSError if the memory is so full that not even the kept room holds the end: the end of the worker
        tells it then.
        """
        with self._guard:
            if self._closed:
                return
            self._closed = True
            for leg in self._legs.values():
                os.close(leg.fd)
            try:
                self._tell_untold(last=True)
                self._journal.append(Closed(reason=reason[:200], closed_mono_s=monotonic_s()), last=True)
            finally:
                self._journal.close()

    def _tell_leg(self, leg: int, file: str, party: Party, rate_hz: int, started_s: float, skip: int) -> None:
        self._journal.append(
            LegOpened(leg=leg, file=file, party=party, rate_hz=rate_hz, started_mono_s=started_s, skip_frames=skip)
        )

    def _lose(self, leg: int, frames: int, reason: LossReason) -> None:
        """Note a loss at the place where the appended leg stands."""
        open_leg = self._legs[leg]
        self._queue(Lost(leg=leg, at_frame=open_leg.frames, frames=frames, reason=reason, in_file=False))
        open_leg.frames += frames

    def _queue(self, lost: Lost) -> None:
        """Keep a loss until it is told; one that continues the last of its leg is added to it."""
        for n, other in enumerate(self._untold):
            same = (other.leg, other.reason, other.in_file) == (lost.leg, lost.reason, lost.in_file)
            if same and (lost.in_file or other.at_frame + other.frames == lost.at_frame):
                self._untold[n] = other.model_copy(update={"frames": other.frames + lost.frames})
                return
        self._untold.append(lost)

    def _tell_untold(self, *, last: bool = False) -> bool:
        while self._untold:
            if not self._try_append(self._untold[0], last=last):
                return False
            del self._untold[0]
        return True

    def _try_append(self, record: Lost | Measured, *, last: bool = False) -> bool:
        try:
            self._journal.append(record, last=last)
        except OSError as fault:
            if fault.errno not in _FULL:
                raise
            return False
        return True


def _append_frames(leg: _Leg, pcm: npt.NDArray[np.int16]) -> int:
    """Write what finds room; gives the number of whole frames written."""
    if not len(pcm):
        return 0
    try:
        whole = pcm if pcm.flags.c_contiguous and pcm.dtype is _FRAME else np.ascontiguousarray(pcm, dtype=_FRAME)
        written = os.write(leg.fd, whole.data)
    except OSError as fault:
        if fault.errno not in _FULL:
            raise
        return 0
    if odd := written % _FRAME_BYTES:
        written -= odd
        os.ftruncate(leg.fd, leg.file_bytes + written)
    leg.file_bytes += written
    return written // _FRAME_BYTES
