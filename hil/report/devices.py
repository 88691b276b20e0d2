"""What stood on the bench, and what it could not prove."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hil.measure import KINDS
from hil.report.text import TABLE_END, bad_class, bullets, escape, minus, table_head
from hil.suite.proof import Proof


def devices(told: Mapping[str, Any]) -> Iterator[str]:
    """Give cards and outputs with their calibration, cables, phones and ports; ``told`` are the facts of the run."""
    if told["devices"]:
        yield "<h2>Devices</h2>"
        heads = ("Device", "Model", "Serial number", "Full scale", "Calibrated", "Holds until", "Instrument")
        yield table_head(*heads, kind="devices")
        yield from (_device(device) for device in told["devices"])
        yield TABLE_END
    yield from bullets("Cables", [_cable(cable) for cable in told["cables"]])
    yield from bullets("Phones", [_named(f"{p['name']}: {p['number']}, {p['kind']}", p) for p in told["phones"]])
    ports = [_named(f"{p['name']}: {p['device']}, {p['baud']} baud", p) for p in told["serial_ports"]]
    yield from bullets("Serial ports", ports)


def skipped(proof: Proof) -> Iterator[str]:
    """Give what was not measured, and what the rig lacks for it."""
    yield from bullets("Not measured", [f"{KINDS[name].title}: {reason}" for name, reason in proof.skipped.items()])


def _device(device: Mapping[str, Any]) -> str:
    what = escape(f"{device['what']} {device['name']}")
    where = escape(f"{device['device']}, {device['channels']} channels")
    serial = f"{escape(device['serial'] or '–')}<small>{escape(_compared(device))}</small>"
    cells = "".join(f"<td>{cell}</td>" for cell in (escape(device["model"] or "–"), serial, *_calibration(device)))
    return f"<tr{bad_class(device['calibration_fault'])}><td><b>{what}</b><small>{where}</small></td>{cells}</tr>"


def _compared(device: Mapping[str, Any]) -> str:
    if device["serial_compared"]:
        return "as USB shows it" if device["usb_serial"] == device["serial"] else f"USB shows {device['usb_serial']}"
    shown = f"; USB shows {device['usb_serial']}" if device["usb_serial"] else ""
    return f"not comparable: {device['serial_fault']}{shown}"


def _calibration(device: Mapping[str, Any]) -> tuple[str, str, str, str]:
    known, fault = device["calibration"], device["calibration_fault"]
    if known is None:
        return "–", "never", "–", "–"
    instrument = escape(f"{known['instrument']} {known['instrument_serial']}".strip())
    holds = device["calibration_ends"] + (f"<small>{escape(fault)}</small>" if fault else "")
    return minus(f"{known['full_scale_dbm0']:+g}&nbsp;dBm0"), known["date"], holds, instrument


def _named(text: str, device: Mapping[str, Any]) -> str:
    """Add the model and the number, where they are known."""
    more = [device.get("model", ""), f"serial number {device['serial']}" if device["serial"] else ""]
    return ", ".join([text, *filter(None, more)])


def _cable(cable: Mapping[str, Any]) -> str:
    more = [f"loss {cable['loss_db']:g} dB"] if cable["loss_db"] else []
    more += ["wires crossed"] if cable["inverted"] else []
    more += [f"serial number {cable['serial']}"] if cable["serial"] else []
    return f"{cable['line']}: {cable['output']} → {cable['input']}{'; ' if more else ''}{', '.join(more)}"
