"""Blocks of any length cut into windows of one length."""

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
    """Cuts what comes, shape (legs, frames), into windows of ``window_frames``; what is left waits for the next."""

    def __init__(self, window_frames: int) -> None:
        self.window_frames = window_frames
        self._carry: Samples | None = None

    @property
    def waiting_frames(self) -> int:
        """Frames that no window has held yet."""
        return self._carry.shape[1] if self._carry is not None else 0

    def take(self, rows: Samples) -> Samples:
        """Give every window that is full now, shape (legs, windows, frames)."""
        if self._carry is not None:
            rows = np.concatenate([self._carry, rows], axis=1)
        windows, waiting = divmod(rows.shape[1], self.window_frames)
        whole = windows * self.window_frames
        self._carry = rows[:, whole:].copy() if waiting else None
        return rows[:, :whole].reshape(len(rows), windows, self.window_frames)

    def clear(self) -> None:
        """Forget what waits: what comes now does not follow it."""
        self._carry = None


def levels_dbfs(windows: Samples) -> Levels:
    """Give the level of windows of shape (legs, windows, frames), shape (legs, windows)."""
    return dbfs_of(np.vecdot(windows, windows), windows.shape[2])


def dbfs_of(energies: Levels, frames: int) -> Levels:
    """Give the sums of the squares of so many frames as levels: a full-scale sine is 0, silence -120."""
    full = frames * FULL_SCALE**2 / 2
    levels: Levels = 10 * (np.log10(np.maximum(energies, full * _LEAST)) - math.log10(full))
    return levels
