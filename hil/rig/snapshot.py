"""A machine that has booted, kept as a file: going on from there takes half a second instead of twenty.

Its cards are up, and what every test imports is in its memory already.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from hil.rig import qemu
from hil.rig.cache import Cache, digest
from hil.rig.errors import HostUnfitError, MachineError
from hil.rig.image.image import Image
from hil.rig.image.libraries import PYTHON
from hil.rig.machine import Machine
from hil.rig.qemu import Time

WARM = "import numpy, soxr, soundfile, pydantic, peewee, fastapi, uvicorn, typer, psutil, pytest"
_FILE = "state"


def obtain_snapshot(cache: Cache, image: Image, passing: Time) -> Path:
    """Find the state to go on from, or boot a machine to save it. Raises RigError."""
    key = digest(image.key, passing, _qemu_version(), Path(__file__), Path(qemu.__file__))
    return cache.obtain(f"snapshot-{passing}", key, lambda folder: _make(image, passing, folder / _FILE)) / _FILE


def _make(image: Image, passing: Time, target: Path) -> None:
    with Machine(image, passing) as machine:
        state = machine.run("systemctl", "is-system-running", "--wait").text.strip()
        if state != "running":
            said = machine.run("systemctl", "status", "--failed", "--no-pager", "--full").text
            raise MachineError(f"the machine came up {state}:\n{said}")
        machine.run(PYTHON, "-c", WARM).check()
        machine.save(target)


def _qemu_version() -> str:
    try:
        return subprocess.run([qemu.PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        raise HostUnfitError(f"the program {qemu.PROGRAM} is missing: see config/debian-packages-rig.txt") from None
