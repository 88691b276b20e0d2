"""What a stream leaves in its jitter buffer when PJSIP destroys it: it is played on into its leg, in its own time.

PJSIP makes a stream anew for another codec, a hold or a resume, and ends it with a call that it ends by itself; what
waits in the old jitter buffer it throws away. The new stream gives its first audio when its own jitter buffer is full
enough: just when the old one's audio is over.
"""

from __future__ import annotations

import io
import os
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Final, final

from drivers.taps.sip._native import Native
from drivers.taps.sip._player import Player
from drivers.taps.sip._recorder import Recorder

_TICKS_S: Final = 0.06  # until the bridge has begun, and its last tick is written
_LET_GO_S: Final = 5.0
_TURNS_PER_S: Final = 50  # of the bridge


@final
class Remainder:
    """Audio on its way from a stream that is gone to a leg. For the PJSIP thread alone.

    Parameters
    ----------
    pcm
        Mono samples of 16 bits.
    """

    def __init__(self, native: Native, pcm: bytes, rate_hz: int, now_s: float) -> None:
        self.length_s = len(pcm) / 2 / rate_hz
        self.over_s = now_s + self.length_s + _TICKS_S
        file = os.memfd_create("remainder", os.MFD_CLOEXEC)
        try:
            os.write(file, _wav(pcm, rate_hz))
            self._player = Player(native, Path(f"/proc/self/fd/{file}"))
        finally:
            os.close(file)

    def begin(self, recorder: Recorder, later: Callable[[float, Callable[[], None]], None]) -> None:
        """Play it into the recorder; ``later`` calls back in so many seconds."""
        recorder.hear(self._player)
        later(self.length_s + 2 * _TICKS_S, self._player.close)
        later(self.length_s + _LET_GO_S, self._player.release)


def _wav(pcm: bytes, rate_hz: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, rate_hz, 0, "NONE", ""))
        writer.writeframes(pcm + bytes(2 * rate_hz // _TURNS_PER_S))  # for the filter, which keeps the end back
    return file.getvalue()
