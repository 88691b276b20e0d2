"""One rig for each kind, checked for what it leaves behind."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers import registry
from tests.contract.kinds import ENTRIES, Entry
from tests.contract.leaks import nothing_left

ROOT = Path(__file__).parents[2]


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


@pytest.fixture(params=registry.kinds())
def kind(request: pytest.FixtureRequest) -> str:
    """Every kind that ships, in turn."""
    return str(request.param)


@pytest.fixture
def entry(kind: str) -> Iterator[Entry]:
    """How the kind is handled, within what must run beside it."""
    assert kind in ENTRIES, f"tests/contract/kinds.py has no entry for the kind {kind!r}"
    with ENTRIES[kind].surroundings():
        yield ENTRIES[kind]
