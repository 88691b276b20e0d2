"""Every test here is checked for what it leaves behind; children find the source tree, wherever pytest was started."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.leaks import nothing_left

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _children_find_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    with nothing_left():
        yield


@pytest.fixture
def run_dir() -> Iterator[Path]:
    """A run_dir in memory, as on a box."""
    with tempfile.TemporaryDirectory(prefix="linetap-", dir="/dev/shm") as folder:
        yield Path(folder)
