"""Names for the machine's loopback lines: what is played to ``playNN`` comes back at ``recNN``.

PortAudio lists only ``hw:C,D`` by itself, so every substream has a name of its own in asound.conf.
"""

from __future__ import annotations

from collections.abc import Iterator

CARDS = ("L0", "L1", "L2", "L3")  # ids of the snd-aloop cards, as overlay/etc/modprobe.d sets them
LINES_A_CARD = 8
LINES = len(CARDS) * LINES_A_CARD


def write_names() -> str:
    """Write the asound.conf that names all 32 lines."""
    return "\n".join(_stanzas())


def _stanzas() -> Iterator[str]:
    for line in range(LINES):
        card, substream = CARDS[line // LINES_A_CARD], line % LINES_A_CARD
        for name, device in (("play", 0), ("rec", 1)):
            yield f"pcm.{name}{line:02d} {{"
            yield f'    type hw\n    card "{card}"\n    device {device}\n    subdevice {substream}'
            yield f'    hint {{ show on description "{name}{line:02d}" }}\n}}'
