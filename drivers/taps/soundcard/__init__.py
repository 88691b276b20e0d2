"""The sound-card tap: one card with its inputs, captured around the clock; its lines are inputs or pairs of them.

What may live here: everything that touches ALSA (``alsaaudio``) or PortAudio (``sounddevice``), and what is made of a
card's samples before they go to the spool. What may not: who a device is, whether a call is recorded, what becomes of
the audio.

One worker process holds one card, one stream and one thread (:mod:`drivers.taps.soundcard._feed`)::

    card --Stream--> Block --Inputs--> Portion (rate, map, DC, gain) --CardLine--> Session (gaps) --> sink
                       |                  |                              |
                      Run (moments)      Meter (levels)                 Ears (voice, pre-roll)

Importing this package loads neither library; only opening the card does. :mod:`drivers.taps.soundcard.cards` lists the
cards of the machine and needs none of them.
"""

from __future__ import annotations

from drivers.taps.soundcard._options import LineOptions, Options
from drivers.taps.soundcard._tap import Tap

__all__ = ["LineOptions", "Options", "Tap"]
