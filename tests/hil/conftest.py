"""Tests against real devices: they run on a rig, and are skipped by the name of what is missing elsewhere.

A test says by ``@pytest.mark.rig("sound-loop")`` which features it needs; the variable ``LINETAP_RIG`` says which
there are, divided by blanks. ``make hil`` sets it in the virtual rig.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "rig(*features): needs devices of a rig; make hil has a virtual one")


@pytest.fixture(scope="session")
def spans() -> None:
    """Have the spans up: in the virtual rig they are not until they are needed."""
    if Path("/etc/systemd/system/rig-spans.service").exists():
        subprocess.run(["systemctl", "start", "rig-spans.service"], check=True, timeout=90)


def pytest_runtest_setup(item: pytest.Item) -> None:
    there = set(os.environ.get("LINETAP_RIG", "").split())
    needed = {feature for marker in item.iter_markers("rig") for feature in marker.args}
    if missing := sorted(needed - there):
        pytest.skip(f"no rig with {', '.join(missing)}")
