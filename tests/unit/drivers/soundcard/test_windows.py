from __future__ import annotations

import numpy as np
import pytest

from drivers.taps.soundcard._windows import Windows, dbfs_of, levels_dbfs


def test_every_frame_is_in_one_window_and_in_order() -> None:
    rows = np.arange(2 * 1000, dtype=np.float32).reshape(2, 1000)
    windows, parts, at = Windows(80), [], 0
    for frames in (10, 0, 300, 79, 1, 610):
        parts.append(windows.take(rows[:, at : at + frames]))
        at += frames
        assert windows.waiting_frames == at % 80
    assert [part.shape[1] for part in parts] == [0, 0, 3, 1, 0, 8]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1).reshape(2, -1), rows[:, :960])


def test_what_waits_is_forgotten_when_nothing_follows_it() -> None:
    windows = Windows(4)
    windows.take(np.ones((1, 3), np.float32))
    windows.clear()
    assert windows.waiting_frames == 0
    assert windows.take(np.full((1, 4), 2, np.float32)).tolist() == [[[2, 2, 2, 2]]]


def test_the_level_is_of_each_window_of_each_leg() -> None:
    full, half, none = [32768, -32768], [16384, 16384], [0, 0]
    windows = np.array([[full, none], [half, half]], np.float32)
    assert levels_dbfs(windows).tolist() == [
        pytest.approx([3.01, -120], abs=0.01),
        pytest.approx([-3.01, -3.01], abs=0.01),
    ]


def test_a_full_scale_sine_is_0() -> None:
    sine = 32768 * np.sin(2 * np.pi * np.arange(800) / 8).astype(np.float32)
    assert dbfs_of(np.vecdot(sine, sine)[None], 800).tolist() == pytest.approx([0], abs=0.001)
