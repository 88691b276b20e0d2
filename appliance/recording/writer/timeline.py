"""Where each frame of a leg's file belongs in the recording. Pure.

Three scales, all in frames: the *file* as it lies in the spool (a WAV header left out), the leg's *own time line*
(the file with the told losses filled in, and without the frames to skip), and the *recording*.
"""

from __future__ import annotations

import bisect
import dataclasses
from typing import NamedTuple, final


class Piece(NamedTuple):
    """A stretch of the file and its place in the recording."""

    out_frame: int
    file_frame: int
    frames: int


@final
@dataclasses.dataclass(slots=True)
class _Run:
    """From ``file_frame`` on the file follows ``out_frame`` on, until the next run."""

    out_frame: int
    file_frame: int


@final
class LegTimeline:
    """Place of one leg in the recording: an offset, and silence put in where frames are missing.

    Parameters
    ----------
    offset_frames
        Frame of the recording at which the leg's own time line begins; negative if the recording begins later.
    skip_frames
        Frames at the file's begin that are left out.
    """

    def __init__(self, offset_frames: int, skip_frames: int = 0) -> None:
        self.offset_frames = offset_frames
        self._skip_frames = skip_frames
        self._runs = [_Run(offset_frames, skip_frames)]
        self._told: list[tuple[int, int]] = []

    def lose(self, at_frame: int, frames: int) -> int:
        """Put ``frames`` of silence at ``at_frame`` of the leg's own time line; gives their place in the recording."""
        file_frame = self._file_of_own(at_frame)
        bisect.insort(self._told, (at_frame, frames))
        self.insert(file_frame, frames)
        return self.out_of_file(file_frame) - frames

    def place(self, own_frame: int) -> int:
        """Frame of the recording for a frame of the leg's own time line that lies in the file."""
        return self.out_of_file(self._file_of_own(own_frame))

    def insert(self, file_frame: int, frames: int) -> None:
        """Put ``frames`` of silence before ``file_frame`` of the file; all that follows moves back."""
        n = bisect.bisect_left(self._runs, file_frame, key=lambda run: run.file_frame)
        if n == len(self._runs) or self._runs[n].file_frame != file_frame:
            last = self._runs[max(0, n - 1)]
            self._runs.insert(n, _Run(last.out_frame + file_frame - last.file_frame, file_frame))
        for run in self._runs[n:]:
            run.out_frame += frames

    def out_of_file(self, file_frame: int) -> int:
        """Frame of the recording for a frame of the file; for the file's end, the first frame not known yet."""
        run = self._runs[max(0, bisect.bisect_right(self._runs, file_frame, key=lambda run: run.file_frame) - 1)]
        return run.out_frame + max(0, file_frame - run.file_frame)

    def file_of_out(self, out_frame: int) -> int:
        """First frame of the file that belongs at or behind ``out_frame``."""
        n = bisect.bisect_right(self._runs, out_frame, key=lambda run: run.out_frame) - 1
        if n < 0:
            return self._runs[0].file_frame
        run = self._runs[n]
        file_frame = run.file_frame + out_frame - run.out_frame
        return min(file_frame, self._runs[n + 1].file_frame) if n + 1 < len(self._runs) else file_frame

    def pieces(self, begin: int, end: int, file_frames: int) -> list[Piece]:
        """Give what of the recording's frames ``begin`` to ``end`` the file holds while it has ``file_frames``."""
        found: list[Piece] = []
        first_run = max(0, bisect.bisect_right(self._runs, begin, key=lambda run: run.out_frame) - 1)
        for n, run in enumerate(self._runs[first_run:], first_run + 1):
            if run.out_frame >= end:
                break
            file_end = min(self._runs[n].file_frame, file_frames) if n < len(self._runs) else file_frames
            first = max(begin, run.out_frame)
            last = min(end, run.out_frame + file_end - run.file_frame)
            if last > first:
                found.append(Piece(first, run.file_frame + first - run.out_frame, last - first))
        return found

    def _file_of_own(self, own_frame: int) -> int:
        before = sum(min(lost, own_frame - at) for at, lost in self._told if at < own_frame)
        return self._skip_frames + max(0, own_frame - before)
