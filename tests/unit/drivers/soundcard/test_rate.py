"""What brings a card's frames to another rate: how much of the newest it holds back, which a stop waits for."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.taps.soundcard._rate import rate

BLOCK_S = 0.005  # as a session that ends reads them


@pytest.mark.parametrize("resampler", ["fir", "soxr"])
@pytest.mark.parametrize(
    ("card_hz", "line_hz"),
    [(48000, 8000), (32000, 8000), (16000, 8000), (44100, 8000), (48000, 16000), (8000, 16000), (8000, 8000)],
)
def test_no_more_is_held_back_than_is_said(card_hz: int, line_hz: int, resampler: str) -> None:
    converter = rate(card_hz, line_hz, 2, resampler)
    block = np.zeros((round(BLOCK_S * card_hz), 2), np.int16)
    given, held_s = 0, []
    for count in range(1, 400):
        given += len(converter.take(block))
        held_s.append(count * len(block) / card_hz - given / line_hz)
    assert max(held_s) <= converter.most_held_s + BLOCK_S
