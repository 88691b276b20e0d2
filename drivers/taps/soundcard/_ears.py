"""What a line that voice starts keeps in mind: the last moments before now, and whether there is voice."""

from __future__ import annotations

import collections
from typing import Final, final

import numpy as np

from drivers.taps.soundcard._inputs import Pcm, dbfs
from drivers.taps.soundcard._vox import ATTACK_WINDOWS, WINDOW_S, Vox, VoxRules

_LONGEST_BLOCK_S: Final = 1.0


@final
class Ears:
    """Listens to one line. Frames count in the run that :meth:`begin_run` told of."""

    def __init__(self, rules: VoxRules, preroll_s: float, rate_hz: int) -> None:
        self._vox = Vox(rules)
        self._window_frames = round(WINDOW_S * rate_hz)
        self._preroll_frames = round(preroll_s * rate_hz) + ATTACK_WINDOWS * self._window_frames
        self._kept_frames = self._preroll_frames + round(_LONGEST_BLOCK_S * rate_hz)
        self._kept: collections.deque[Pcm] = collections.deque()
        self._kept_now = 0
        self._carry: Pcm | None = None
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
        self._kept_now, self._frame, self._carry, self.onset_frame = 0, 0, None, 0

    def hush(self) -> None:
        """Take what is heard for no voice until it begins anew."""
        self._vox.hush()

    def take(self, rows: Pcm, at_frame: int) -> None:
        """Listen to a block, shape (legs, frames); sets :attr:`onset_frame` where voice begins, pre-roll included."""
        self._frame = at_frame + rows.shape[1]
        self._keep(rows)
        first_frame = at_frame - (self._carry.shape[1] if self._carry is not None else 0)
        if self._carry is not None:
            rows = np.concatenate([self._carry, rows], axis=1)
        windows = rows.shape[1] // self._window_frames
        whole = windows * self._window_frames
        self._carry = rows[:, whole:]
        if not windows:
            return
        squares = np.square(rows[:, :whole], dtype=np.float32)
        loudest = squares.reshape(len(rows), windows, self._window_frames).mean(axis=2).max(axis=0)
        for number, mean_square in enumerate(loudest):
            before = self._vox.voice
            if self._vox.take(dbfs(float(mean_square))) and not before:
                end_frame = first_frame + (number + 1) * self._window_frames
                self.onset_frame = max(0, end_frame - self._preroll_frames)

    def _keep(self, rows: Pcm) -> None:
        self._kept.append(rows)
        self._kept_now += rows.shape[1]
        while self._kept and self._kept_now - self._kept[0].shape[1] >= self._kept_frames:
            self._kept_now -= self._kept.popleft().shape[1]
