"""A card looked at without a tap: for a technician's meter, over the same streams that the tap reads."""

from __future__ import annotations

import select
from types import TracebackType
from typing import Self, final

import numpy as np

from drivers.taps.soundcard._backends import opener
from drivers.taps.soundcard._options import Options
from drivers.taps.soundcard._portion import Pcm
from drivers.taps.soundcard._stream import CardAbsentError, CardRefusesError, StreamError, StreamLostError, Wake

__all__ = ["CardAbsentError", "CardRefusesError", "Listening", "Options", "Pcm", "StreamError", "StreamLostError"]


@final
class Listening:
    """A card's open stream; a context manager.

    Raises CardAbsentError, CardRefusesError, and TapOptionsError where the backend's library is not there.
    """

    def __init__(self, options: Options) -> None:
        self._wake = Wake()
        try:
            self._stream = opener(options)(self._wake)
        except BaseException:
            self._wake.close()
            raise
        self._poll = select.poll()
        self._poll.register(self._wake.descriptor, select.POLLIN)
        for descriptor, events in self._stream.descriptors():
            self._poll.register(descriptor, events)
        self.overruns = 0

    def read(self, timeout_s: float) -> Pcm | None:
        """Wait for frames, and give all that are there, shape (frames, channels); None where none came.

        Raises StreamLostError when the card is gone.
        """
        self._poll.poll(timeout_s * 1000)
        self._wake.clear()
        block = self._stream.read()
        if block is None:
            return None
        self.overruns += block.overrun
        return np.concatenate(block.parts) if block.parts else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        self._wake.close()
