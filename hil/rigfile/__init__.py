"""The rig file: what stands on a bench, in TOML. Every fault is told with its line, as of the box's settings."""

from __future__ import annotations

from hil.rigfile.models import Cable, Calibration, Card, Output, Phone, Rig, RunSettings, SerialPort, Station
from hil.rigfile.reading import load, parse
from hil.rigfile.wiring import Wire, features, uncalibrated, wires

__all__ = [
    "Cable",
    "Calibration",
    "Card",
    "Output",
    "Phone",
    "Rig",
    "RunSettings",
    "SerialPort",
    "Station",
    "Wire",
    "features",
    "load",
    "parse",
    "uncalibrated",
    "wires",
]
