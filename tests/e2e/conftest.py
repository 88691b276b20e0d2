"""Real boxes for the end-to-end tests: started, stopped, and looked after that nothing is left over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from hil.child_box import ChildBox
from hil.ports import free_sip_port
from tests.e2e.desk import Desk

HOLDBACK_S = 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


class Boxes:
    """Starts boxes; each must stop in good order and leave nothing behind."""

    def __init__(self, folder: Path, started: ExitStack) -> None:
        self._folder = folder
        self._started = started
        self._count = 0

    def __call__(
        self,
        taps: Sequence[Mapping[str, Any]],
        *,
        schedules: Sequence[Mapping[str, Any]] = ({"name": "all"},),
        **sections: Mapping[str, Any],
    ) -> ChildBox:
        """Start a box with these taps and sections of settings."""
        self._count += 1
        recording = {"holdback_s": HOLDBACK_S, "reserve_mb": 10, **sections.pop("recording", {})}
        folder = self._folder / f"box{self._count}"
        box = ChildBox(folder, taps=taps, schedules=schedules, sections={**sections, "recording": recording})
        return self._started.enter_context(box)


@pytest.fixture
def make_box(tmp_path: Path) -> Iterator[Boxes]:
    """Start boxes of the test's own."""
    with ExitStack() as started:
        yield Boxes(tmp_path, started)


@pytest.fixture(scope="module")
def make_shared_box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boxes]:
    """Start boxes that the tests of a module share, each with devices of its own."""
    with ExitStack() as started:
        yield Boxes(tmp_path_factory.mktemp("shared"), started)


@pytest.fixture(scope="module")
def shared_box(make_shared_box: Boxes) -> ChildBox:
    """The module's box with eight virtual lines."""
    return make_shared_box([{"name": "lines", "kind": "virtual"}])


@pytest.fixture
def desk(shared_box: ChildBox) -> Iterator[Desk]:
    """A client at the module's box with virtual lines."""
    with Desk(shared_box) as at:
        yield at


@pytest.fixture
def box(make_box: Boxes) -> ChildBox:
    """A box of the test's own with eight virtual lines."""
    return make_box([{"name": "lines", "kind": "virtual"}])


@pytest.fixture
def own_sip_port() -> int:
    """First port of a SIP tap of two workers, for a box of the test's own."""
    return free_sip_port(2)


@pytest.fixture
def own_sip_box(make_box: Boxes, own_sip_port: int) -> ChildBox:
    """A box of the test's own with a SIP trunk of eight lines on ``own_sip_port``."""
    return make_box([{"name": "trunk", "kind": "sip", "port": own_sip_port, "calls": 8, "front": "none"}])


@pytest.fixture(scope="module")
def sip_port() -> int:
    """First port of the SIP tap of the module's box."""
    return free_sip_port(2)


@pytest.fixture(scope="module")
def sip_box(make_shared_box: Boxes, sip_port: int) -> ChildBox:
    """The module's box with a SIP trunk of eight lines on ``sip_port``."""
    return make_shared_box([{"name": "trunk", "kind": "sip", "port": sip_port, "calls": 8, "front": "none"}])


@pytest.fixture
def sip_desk(sip_box: ChildBox) -> Iterator[Desk]:
    """A client at the module's box with the SIP trunk."""
    with Desk(sip_box) as at:
        yield at
