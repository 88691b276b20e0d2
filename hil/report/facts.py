"""A run as plain values."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

from hil.rigfile.models import Device
from hil.suite.proof import Proof
from hil.suite.serials import Identity

_TOP: Final = Path(__file__).resolve().parents[2]


def facts(proof: Proof) -> dict[str, Any]:
    """Everything that the report says, but for the curves."""
    rig = proof.rig
    return {
        "verdict": proof.verdict,
        "passed": proof.passed,
        "calibrated": not proof.uncalibrated,
        "not_calibrated": proof.uncalibrated,
        "station": rig.station.model_dump(),
        "rig_file": proof.rig_file.name,
        "operator": proof.operator,
        "began_at": proof.began_at.isoformat(timespec="seconds"),
        "ended_at": proof.ended_at.isoformat(timespec="seconds") if proof.ended_at else None,
        "software": software(),
        "system": f"{platform.system()} {platform.release()}, Python {sys.version.split()[0]}",
        "run": rig.run.model_dump(),
        "devices": [
            _device(identity, device, proof)
            for identity, device in zip(proof.identities, (*rig.cards, *rig.outputs), strict=True)
        ],
        "cables": [cable.model_dump() for cable in rig.cables],
        "phones": [phone.model_dump() for phone in rig.phones],
        "serial_ports": [port.model_dump() for port in rig.serial_ports],
        "results": [result.facts() for result in proof.results],
        "skipped": proof.skipped,
        "broke_off": proof.troubles,
    }


def software() -> str:
    """Name and version of what was proven: of the package that is installed, or else of the checkout that runs."""
    try:
        return f"linetap {importlib.metadata.version('linetap')}"
    except importlib.metadata.PackageNotFoundError:
        pass
    try:
        project = tomllib.loads((_TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return "linetap, of no known version"
    return f"linetap {project['version']}, a checkout"


def _device(identity: Identity, device: Device, proof: Proof) -> dict[str, Any]:
    calibration = device.calibration
    return {
        "what": identity.what,
        **device.model_dump(include={"name", "device", "backend", "channels", "model", "serial"}),
        "usb_serial": identity.shown,
        "serial_compared": not identity.fault,
        "serial_fault": identity.fault,
        "calibration": calibration.model_dump(mode="json") if calibration else None,
        "calibration_ends": calibration.ends.isoformat() if calibration else None,
        "calibration_fault": (calibration.fault(proof.began_at.date()) if calibration else "has no calibration"),
    }
