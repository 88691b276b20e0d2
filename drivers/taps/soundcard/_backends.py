"""The two backends, loaded when one is needed and no other."""

from __future__ import annotations

from collections.abc import Callable

from drivers.contract import TapOptionsError
from drivers.taps.soundcard._options import Options
from drivers.taps.soundcard._stream import Stream, Wake


def opener(options: Options) -> Callable[[Wake], Stream]:
    """Load the backend; gives what opens the card. Raises TapOptionsError where it cannot be loaded."""
    backend: Callable[[Options, Wake], Stream]
    try:
        if options.backend == "alsa":
            from drivers.taps.soundcard._alsa import AlsaStream as backend  # noqa: PLC0415, N813 - loads alsaaudio
        else:
            from drivers.taps.soundcard._portaudio import (  # noqa: PLC0415 - loads sounddevice
                PortAudioStream as backend,  # noqa: N813
            )
    except (ImportError, OSError) as error:
        raise TapOptionsError(f"the backend {options.backend} cannot be loaded: {error}") from error
    return lambda wake: backend(options, wake)
