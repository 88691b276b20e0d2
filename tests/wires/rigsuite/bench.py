"""A bench of four lines without a kernel's cards: what is played into a PulseAudio sink comes out of its monitor."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.wires.soundcard.pulse import Pulse, pulse

LINES = 4
CALIBRATION = (
    'calibration = { full_scale_dbm0 = 3.14, date = 2026-01-01, instrument = "by definition", valid_days = 3650 }'
)
RIG = """\
[station]
name = "four lines"
serial = "BOX-1"
[run]
continuity_s = {continuity_s}
quiet_s = 1
[[cards]]
name = "in"
device = "card"
backend = "{backend}"
channels = 4
period_ms = 20
{calibration}
[[outputs]]
name = "out"
device = "{output}"
channels = 4
buffer_ms = 2000
{calibration}
[[cables]]
line = "desk"
output = "out:1-4"
input = "in:1-4"
[limits.latency]
low = -4000
high = 4000
{more}
"""


@contextlib.contextmanager
def bench() -> Iterator[Pulse]:
    """Run a server whose sink can be played into as ``speaker``."""
    with pulse({"card": (LINES, 48000)}) as made:
        speaker = "pcm.speaker { type pulse device card }"
        with Path(made.environment["ALSA_CONFIG_PATH"]).open("a") as file:
            file.write(f"{speaker}\n")
        yield made


def write_rig(
    folder: Path,
    output: str = "speaker",
    *,
    backend: str = "alsa",
    calibrated: bool = True,
    seconds: float = 12,
    more: str = "",
) -> Path:
    """Write the rig file of the bench."""
    path = folder / "rig.toml"
    calibration = CALIBRATION if calibrated else ""
    path.write_text(
        RIG.format(output=output, backend=backend, calibration=calibration, continuity_s=seconds, more=more)
    )
    return path


def run_suite(*words: object) -> subprocess.CompletedProcess[str]:
    """Run ``linetap hil run`` as a technician does."""
    command = [sys.executable, "-m", "appliance.cli", "hil", "run", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
