"""Which sound cards the machine has, and the lines of the settings and of udev that name them for good."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Final, final

_CARD: Final = re.compile(r"card(\d+)")
_PCM: Final = re.compile(r"pcmC\d+D(\d+)c")


@final
@dataclasses.dataclass(frozen=True, slots=True)
class CardInfo:
    """A card as the kernel shows it now.

    Attributes
    ----------
    id
        ALSA's name of it, which ``hw:CARD=`` takes.
    port
        Where it is plugged: the kernel's name of the USB port, PCI slot or platform device. Empty for a card that
        hangs on nothing.
    serial
        Serial number of a USB card; many have none.
    inputs
        Numbers of its devices that capture.
    """

    number: int
    id: str
    description: str
    port: str
    serial: str
    inputs: tuple[int, ...]

    @property
    def devices(self) -> tuple[str, ...]:
        """What ``device`` of the settings may be."""
        return tuple(f"hw:CARD={self.id},DEV={number}" for number in self.inputs)

    def rules(self, name: str) -> dict[str, str]:
        """Give the udev rules that would call it ``name``: ``port`` where it is plugged, ``serial`` wherever it is.

        Both may stand in one file: the kernel refuses to give a card the name that it has.
        """
        whole = 'SUBSYSTEM=="sound", KERNEL=="card*", {match}, ATTR{{id}}="{name}", ENV{{LINETAP_CARD}}="{link}"'
        found = {}
        if self.port:
            found["port"] = whole.format(match=f'KERNELS=="{self.port}"', name=name, link=name.lower())
        if self.serial:
            match = f'ENV{{LINETAP_CARD}}!="{name.lower()}", SUBSYSTEMS=="usb", ATTRS{{serial}}=="{self.serial}"'
            found["serial"] = whole.format(match=match, name=name, link=name.lower())
        return found


def cards(sysfs: Path = Path("/sys"), proc: Path = Path("/proc")) -> list[CardInfo]:
    """List the cards by number; empty where the kernel has no sound."""
    found = [
        (int(match[1]), path) for path in (sysfs / "class/sound").glob("card*") if (match := _CARD.match(path.name))
    ]
    descriptions = _descriptions(proc / "asound/cards")
    return [_card(number, path, descriptions.get(number, "")) for number, path in sorted(found)]


def _card(number: int, path: Path, description: str) -> CardInfo:
    device = (path / "device").resolve() if (path / "device").exists() else None
    usb = _usb(device)
    port = usb or device
    captures = sorted(int(match[1]) for entry in path.glob("pcm*") if (match := _PCM.fullmatch(entry.name)))
    return CardInfo(
        number=number,
        id=_text(path / "id"),
        description=description,
        port=port.name if port else "",
        serial=_text(usb / "serial") if usb else "",
        inputs=tuple(captures),
    )


def _usb(device: Path | None) -> Path | None:
    """USB device that an interface of belongs to, as the kernel names the port it is plugged into."""
    if device is None:
        return None
    return next((at for at in (device, *device.parents) if (at / "idVendor").exists()), None)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip() if path.exists() else ""


def _descriptions(path: Path) -> dict[int, str]:
    """Read the second line of each card in /proc/asound/cards, which says what it is and where."""
    lines = _text(path).splitlines()
    heads = [(n, re.match(r"\s*(\d+) \[", line)) for n, line in enumerate(lines)]
    return {int(head[1]): lines[n + 1].strip() for n, head in heads if head and n + 1 < len(lines)}
