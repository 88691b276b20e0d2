"""Blocks of any length cut into windows of one length."""

from __future__ import annotations

from typing import final

import numpy as np

from drivers.taps.soundcard._portion import Samples


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
        if self._carry is not None and self._carry.shape[1]:
            rows = np.concatenate([self._carry, rows], axis=1)
        windows = rows.shape[1] // self.window_frames
        whole = windows * self.window_frames
        self._carry = rows[:, whole:].copy()
        return rows[:, :whole].reshape(len(rows), windows, self.window_frames)

    def clear(self) -> None:
        """Forget what waits: what comes now does not follow it."""
        self._carry = None


def mean_squares(windows: Samples) -> Samples:
    """Give the power of windows of shape (legs, windows, frames), shape (legs, windows)."""
    energies: Samples = np.einsum("lwf,lwf->lw", windows, windows)
    return energies / np.float32(windows.shape[2])
