"""Programs of another make, run beside the box."""

from __future__ import annotations

import subprocess
from typing import Any


def end_or_kill(process: subprocess.Popen[Any], wait_s: float) -> None:
    """Wait for a process that was told to end; kill it when it does not."""
    try:
        process.wait(wait_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
