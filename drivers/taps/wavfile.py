"""Lines that play WAV files in real time: line n plays file n, from its begin at each start.

Files of 8 or 16 kHz come out bit for bit as 16-bit samples; any other rate is brought to one of these once, when the
tap is opened. A mono file is a line of one leg, a stereo file one of two: caller left, agent right.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Final, final

import numpy as np
import numpy.typing as npt
import pydantic
import soundfile
import soxr

from drivers.clocked import ClockedTap, Source
from drivers.contract import Capabilities, Line, TapOptions, TapOptionsError, WorkerPlan

_LONGEST_S: Final = 2 * 3600


@final
class Sound:
    """A file's samples in memory, shape (frames, legs)."""

    def __init__(self, pcm: npt.NDArray[np.int16], *, loop: bool) -> None:
        self._legs = [np.ascontiguousarray(pcm[:, leg]) for leg in range(pcm.shape[1])]
        self._frames = len(pcm)
        self._loop = loop

    @property
    def end(self) -> int | None:
        """Length in frames; None for a loop."""
        return None if self._loop else self._frames

    def first(self, clock_frame: int) -> int:  # noqa: ARG002 - a file begins at its begin
        """Each session begins with the file."""
        return 0

    def read(self, leg: int, frame: int, frames: int) -> npt.NDArray[np.int16]:
        """Give the frames, in a loop across the file's end."""
        samples = self._legs[leg]
        if not self._loop:
            return samples[frame : frame + frames]
        return np.take(samples, np.arange(frame, frame + frames), mode="wrap")


def line_rate_hz(file_rate_hz: int) -> int:
    """Rate of the line that plays a file: 16 kHz for whatever holds more than 8 kHz can."""
    return 8000 if file_rate_hz <= 8000 else 16000


class WavfileOptions(TapOptions):
    """Options of a tap that plays files."""

    files: Annotated[tuple[Path, ...], pydantic.Field(min_length=1, description="WAV files; line n plays file n")]
    loop: Annotated[bool, pydantic.Field(description="play over and over; else the session ends with the file")] = False


@final
class Tap(ClockedTap):
    """Files in real time."""

    Options: ClassVar[type[WavfileOptions]] = WavfileOptions
    capabilities: ClassVar[Capabilities] = Capabilities(bit_exact=True)

    @classmethod
    def plan(cls, options: WavfileOptions) -> list[WorkerPlan]:
        """Give one worker and a line a file. Raises TapOptionsError for a file that cannot be played."""
        return [WorkerPlan(0, tuple(_line(n, path) for n, path in enumerate(options.files)))]

    def __init__(self, options: WavfileOptions, plan: WorkerPlan) -> None:
        super().__init__(plan)
        self._options = options

    def load(self) -> dict[str, Source]:
        """Read every file."""
        return {
            line.name: Sound(_read(self._options.files[int(line.name)], line), loop=self._options.loop)
            for line in self.lines()
        }


def _line(number: int, path: Path) -> Line:
    try:
        info = soundfile.info(path)
    except (OSError, soundfile.SoundFileError) as error:
        raise TapOptionsError(f"{path} cannot be read: {error}") from error
    if info.channels > 2:
        raise TapOptionsError(f"{path} has {info.channels} channels; a line has one or two legs")
    if not 0 < info.duration <= _LONGEST_S:
        raise TapOptionsError(f"{path} lasts {info.duration:.0f} s; at most {_LONGEST_S} s, and not 0, can be played")
    return Line(str(number), info.channels, line_rate_hz(info.samplerate))


def _read(path: Path, line: Line) -> npt.NDArray[np.int16]:
    """Read a file as int16 of shape (frames, legs), at the line's rate."""
    try:
        pcm, file_rate_hz = soundfile.read(path, dtype="int16", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise TapOptionsError(f"{path} cannot be read: {error}") from error
    if pcm.shape[1] != line.legs or line_rate_hz(file_rate_hz) != line.rate_hz or not len(pcm):
        raise TapOptionsError(f"{path} is not the file any more that was planned with")
    samples: npt.NDArray[np.int16] = pcm
    if file_rate_hz != line.rate_hz:
        samples = soxr.resample(pcm, file_rate_hz, line.rate_hz)
    return samples
