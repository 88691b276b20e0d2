"""What a line that voice starts keeps in mind: the last moments before now, and whether there is voice."""

from __future__ import annotations

import collections
from typing import Final, final

import numpy as np

from drivers.taps.soundcard._portion import Pcm, Portion
from drivers.taps.soundcard._vox import ATTACK_WINDOWS, WINDOW_S, Vox, VoxRules
from drivers.taps.soundcard._windows import Windows

_LONGEST_BLOCK_S: Final = 2.0


@final
class Ears:
    """Listens to one line. Frames count in the run that :meth:`begin_run` told of."""

    def __init__(self, rules: VoxRules, preroll_s: float, rate_hz: int) -> None:
        self._vox = Vox(rules)
        self._windows = Windows(round(WINDOW_S * rate_hz))
        self._preroll_frames = round(preroll_s * rate_hz) + ATTACK_WINDOWS * self._windows.window_frames
        self._kept_frames = self._preroll_frames + round(_LONGEST_BLOCK_S * rate_hz)
        self._kept: collections.deque[Pcm] = collections.deque()
        self._kept_now = 0
        self._frame = 0  # behind the last one taken
        self.onset_frame = 0

    @property
    def voice(self) -> bool:
        """Whether there is voice."""
        return self._vox.voice

    @property
    def past(self) -> tuple[Pcm, int]:
        """What is kept, shape (legs, frames), and its first frame."""
        return np.concatenate(list(self._kept), axis=1), self._frame - self._kept_now

    def begin_run(self) -> None:
        """Forget what was heard, but for the line's noise: what comes now does not follow it."""
        self._kept.clear()
        self._windows.clear()
        self._kept_now, self._frame, self.onset_frame = 0, 0, 0

    def hush(self) -> None:
        """Take what is heard for no voice until it begins anew."""
        self._vox.hush()

    def take(self, portion: Portion, at_frame: int) -> None:
        """Listen to a portion of the line's legs; sets :attr:`onset_frame` where voice begins, pre-roll included."""
        self._frame = at_frame + portion.frames
        self._keep(portion.pcm)
        first_frame = at_frame - self._windows.waiting_frames
        began = self._vox.take(self._windows.take(portion.samples).max(axis=0).tolist())
        if began is not None:
            end_frame = first_frame + (began + 1) * self._windows.window_frames
            self.onset_frame = max(0, end_frame - self._preroll_frames)

    def _keep(self, rows: Pcm) -> None:
        self._kept.append(rows)
        self._kept_now += rows.shape[1]
        while self._kept and self._kept_now - self._kept[0].shape[1] >= self._kept_frames:
            self._kept_now -= self._kept.popleft().shape[1]
