"""The unit as it ships: installed as its page says, and asked what it does."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINETAP = "/opt/linetap/bin/linetap"
UNIT = "linetap.service"


def install() -> None:
    """Install it word for word as systemd/README.md says, which starts it, too."""
    told = re.search(r"```sh\n(.*?)```", (ROOT / "systemd" / "README.md").read_text(), re.DOTALL)
    assert told is not None
    done = subprocess.run(
        ["sh", "-eux", "-c", told[1]], check=False, cwd=ROOT, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr + journal()


def systemctl(*words: str) -> str:
    return subprocess.run(["systemctl", *words], check=True, capture_output=True, text=True, timeout=180).stdout


def shown(name: str) -> str:
    """One property of the unit."""
    return systemctl("show", UNIT, "--property", name, "--value").strip()


def journal() -> str:
    words = ["journalctl", "--unit", UNIT, "--no-pager", "--output", "cat"]
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout


def wait_until(holds: Callable[[], bool], timeout_s: float) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline_s, f"{systemctl('show', UNIT)}\n{journal()}"
        time.sleep(0.2)
