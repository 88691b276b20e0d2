"""Blocks of any length measured in windows of one length."""

from __future__ import annotations

import math
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt

from drivers.taps.soundcard._portion import FULL_SCALE, Samples

Levels = npt.NDArray[Any]  # of 32 or 64 bits

_LEAST: Final = 1e-12


@final
class Windows:
    """Measures what comes, shape (legs, frames), in windows of ``window_frames``; what is left waits for the next.

    Of what waits the energy is kept and not the frames, so no block is copied.
    """

    def __init__(self, window_frames: int) -> None:
        self.window_frames = window_frames
        self.waiting_frames = 0
        self.energies: Levels = np.zeros(0)  # of the legs, in all that was taken last
        self._waiting: Levels = np.zeros(0)  # of the legs, in the window that waits

    def take(self, rows: Samples) -> Levels:
        """Give the level of every window that is full now, shape (legs, windows)."""
        legs, frames = rows.shape
        first = min(-self.waiting_frames % self.window_frames, frames)
        windows = (frames - first) // self.window_frames
        last = first + windows * self.window_frames
        whole = rows[:, first:last].reshape(legs, windows, self.window_frames)
        energies: Levels = np.vecdot(whole, whole)
        self.energies = np.add.reduce(energies, axis=1)
        if first:
            self._wait(rows[:, :first])
            if self.waiting_frames == self.window_frames:
                energies = np.concatenate([self._waiting[:, None], energies], axis=1)
                self.waiting_frames = 0
        if last < frames:
            self._wait(rows[:, last:])
        return dbfs_of(energies, self.window_frames)

    def clear(self) -> None:
        """Forget what waits: what comes now does not follow it."""
        self.waiting_frames = 0

    def _wait(self, rows: Samples) -> None:
        energies: Levels = np.vecdot(rows, rows)
        self.energies = self.energies + energies
        self._waiting = self._waiting + energies if self.waiting_frames else energies
        self.waiting_frames += rows.shape[1]


def dbfs_of(energies: Levels, frames: int) -> Levels:
    """Give the sums of the squares of so many frames as levels: a full-scale sine is 0, silence -120."""
    full = frames * FULL_SCALE**2 / 2
    levels: Levels = 10 * (np.log10(np.maximum(energies, full * _LEAST)) - math.log10(full))
    return levels
