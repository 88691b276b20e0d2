"""What follows from a rig file: its lines, what it can prove, and what of it is not calibrated."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import final

from hil.measure import KINDS, Limits
from hil.rigfile.models import Cable, Card, Device, Output, Rig


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Wire:
    """One line: a channel of an output, led to a channel of a card. Channels count from 1."""

    line: str
    output: Output
    output_channel: int
    card: Card
    card_channel: int
    cable: Cable

    @property
    def gain_db(self) -> float:
        """What a level in dBFS changes by from the output to the recording, if all is well."""
        ends = (self.output.calibration, self.card.calibration)
        gain = ends[0].full_scale_dbm0 - ends[1].full_scale_dbm0 if ends[0] and ends[1] else 0.0
        return gain - self.cable.loss_db

    @property
    def polarity(self) -> int:
        """What is meant: 1, or -1 where the cable crosses its wires."""
        return -1 if self.cable.inverted else 1


def ends(text: str) -> tuple[str, range]:
    """Take ``name:first-last`` apart."""
    name, _, channels = text.partition(":")
    first, _, last = channels.partition("-")
    return name, range(int(first), int(last or first) + 1)


def lines(cable: Cable) -> list[str]:
    """Names of a cable's lines: its own, or with the numbers of the inputs where it has several."""
    channels = ends(cable.input)[1]
    return [f"{cable.line}-{channel}" for channel in channels] if len(channels) > 1 else [cable.line]


def wires(rig: Rig) -> tuple[Wire, ...]:
    """Every line of the rig, in the order of its cables."""
    cards, outputs = {card.name: card for card in rig.cards}, {output.name: output for output in rig.outputs}
    found = []
    for cable in rig.cables:
        (output, outs), (card, ins) = ends(cable.output), ends(cable.input)
        for line, out, into in zip(lines(cable), outs, ins, strict=True):
            found.append(Wire(line, outputs[output], out, cards[card], into, cable))
    return tuple(found)


def features(rig: Rig, today: dt.date) -> frozenset[str]:
    """What tests may ask for by ``@pytest.mark.rig(...)``, as far as the rig has it."""
    count = len(wires(rig))
    there = {
        "lines": count >= 1,
        "several-lines": count >= 2,
        "vox": count >= 1,
        "calibration": count >= 1 and not uncalibrated(rig, today),
        "phones": bool(rig.phones),
        "serial-ports": bool(rig.serial_ports),
        "looped-serial-ports": any(port.looped for port in rig.serial_ports),
    }
    return frozenset({name for name, has in there.items() if has} | set(rig.station.features))


def uncalibrated(rig: Rig, today: dt.date) -> list[str]:
    """Say of each card and output that lines go through why its calibration does not hold today."""
    used: dict[str, Device] = {}
    for wire in wires(rig):
        used[f"card {wire.card.name}"] = wire.card
        used[f"output {wire.output.name}"] = wire.output
    told = [
        (name, device.calibration.fault(today) if device.calibration else "has no calibration")
        for name, device in used.items()
    ]
    return [f"{name}: {fault}" for name, fault in told if fault]


def limits(rig: Rig, name: str) -> Limits:
    """Limits of a measurement on this rig: its own, or the usual ones."""
    own, kind = rig.limits.get(name), KINDS[name]
    return Limits(own.low, own.high) if own else Limits(kind.low, kind.high)
