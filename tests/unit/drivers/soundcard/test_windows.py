from __future__ import annotations

import numpy as np
import pytest

from drivers.taps.soundcard._windows import Windows, dbfs_of
from tests.unit.drivers.soundcard.card import noise


def test_every_frame_is_in_one_window_and_in_order() -> None:
    rows = np.stack([noise(1000, 900, 1), noise(1000, 40, 2)]).astype(np.float32)
    windows, parts, at = Windows(80), [], 0
    for frames in (10, 0, 300, 79, 1, 610):
        parts.append(windows.take(rows[:, at : at + frames]))
        at += frames
        assert windows.waiting_frames == at % 80
    assert [part.shape[1] for part in parts] == [0, 0, 3, 1, 0, 8]
    wanted = dbfs_of((rows[:, :960].reshape(2, 12, 80) ** 2).sum(axis=2), 80)
    np.testing.assert_allclose(np.concatenate(parts, axis=1), wanted, atol=1e-4)


def test_what_waits_is_forgotten_when_nothing_follows_it() -> None:
    windows = Windows(4)
    windows.take(np.full((1, 3), 9000, np.float32))
    windows.clear()
    assert windows.waiting_frames == 0
    assert windows.take(np.zeros((1, 4), np.float32)).tolist() == [[pytest.approx(-120)]]


def test_the_level_is_of_each_window_of_each_leg() -> None:
    full, half, none = [32768, -32768], [16384, 16384], [0, 0]
    rows = np.array([full + none, half + half], np.float32)
    wanted = [[3.01, -120], [-3.01, -3.01]]
    assert Windows(2).take(rows).tolist() == [pytest.approx(levels, abs=0.01) for levels in wanted]


def test_a_full_scale_sine_is_0() -> None:
    sine = 32768 * np.sin(2 * np.pi * np.arange(800) / 8)
    assert dbfs_of(np.array([np.sum(sine**2)]), 800).tolist() == pytest.approx([0], abs=0.001)
