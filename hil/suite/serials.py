"""Serial numbers: what the rig file says of cards and outputs, beside what the kernel shows of those on USB."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Final, final

from drivers.taps.soundcard.cards import CardInfo
from hil.rigfile import Rig
from hil.rigfile.models import Device

_CARD: Final = re.compile(r"^(?:plug)?hw:(?:CARD=)?(\w+)")


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """A device's serial number by the file, and as shown by USB; ``fault`` says why the two cannot be compared."""

    what: str  # "card" or "output"
    name: str
    written: str
    shown: str
    fault: str

    @property
    def title(self) -> str:
        """How it is named among the results."""
        return f"{self.what} {self.name}"


def identities(rig: Rig, there: Sequence[CardInfo]) -> list[Identity]:
    """Look at every card and output of a rig; ``there`` are the cards that the kernel has now."""
    return [_identity(what, device, there) for what, device in _devices(rig)]


def _devices(rig: Rig) -> Iterator[tuple[str, Device]]:
    yield from (("card", card) for card in rig.cards)
    yield from (("output", output) for output in rig.outputs)


def _identity(what: str, device: Device, there: Sequence[CardInfo]) -> Identity:
    named = _CARD.match(device.device) if device.backend == "alsa" else None
    found = next((card for card in there if named and named[1] in {card.id, str(card.number)}), None)
    shown = found.serial if found else ""
    if not device.serial:
        fault = "the rig file has none"
    elif not named:
        fault = "the device names no card of the kernel"
    elif not found:
        fault = f"there is no card {named[1]}"
    else:
        fault = "" if shown else "no USB card that shows one"
    return Identity(what, device.name, device.serial, shown, fault)
