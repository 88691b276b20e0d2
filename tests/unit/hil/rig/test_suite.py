from __future__ import annotations

import io
import marshal
import sys
import tarfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from hil.rig import suite
from hil.rig.costs import Costs
from hil.rig.project import pack_project
from hil.rig.suite import Group, find_groups, run_groups


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("tests/hil/test_b.py", "tests/hil/test_a.py", "tests/hil/deep/test_c.py", "tests/hil/conftest.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_every_file_is_a_group_of_its_own(tree: Path) -> None:
    files = [group.file for group in find_groups([], tree)]
    assert files == ["tests/hil/deep/test_c.py", "tests/hil/test_a.py", "tests/hil/test_b.py"]


def test_single_tests_of_one_file_are_one_group(tree: Path) -> None:
    asked = ["tests/hil/test_a.py::test_x", "tests/hil/test_b.py", "tests/hil/test_a.py::test_y"]
    assert find_groups(asked, tree) == [
        Group("tests/hil/test_a.py", ("tests/hil/test_a.py::test_x", "tests/hil/test_a.py::test_y")),
        Group("tests/hil/test_b.py", ("tests/hil/test_b.py",)),
    ]


def test_a_path_that_is_not_there_is_an_error(tree: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"test_z\.py"):
        find_groups(["tests/hil/test_z.py"], tree)


@pytest.mark.parametrize("at_once", [1, 2])
def test_groups_run_beside_each_other_and_those_that_failed_are_told_in_order(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    both = threading.Barrier(at_once, timeout=10)

    def run(_rig: Any, group: Group, *_: Any, aloud: bool) -> bool:
        both.wait()  # breaks where fewer run at a time
        assert aloud == (at_once == 1)
        return group.file in {"b", "d"}

    monkeypatch.setattr(suite, "run_group", run)
    groups = [Group(name, ()) for name in "abcd"]
    rig: Any = None
    assert [group.file for group in run_groups(rig, groups, [], None, Costs(), at_once=at_once)] == ["a", "c"]


def test_the_longest_group_begins_first(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []

    def run(_rig: Any, group: Group, *_: Any, aloud: bool) -> bool:
        begun.append(Path(group.file).stem)
        time.sleep(0.02)  # so that both threads take one
        return aloud

    monkeypatch.setattr(suite, "run_group", run)
    names = ["test_ground", "test_service", "test_soundcard", "test_soundcard_box"]
    rig: Any = None
    run_groups(rig, [Group(f"tests/hil/{name}.py", ()) for name in names], [], None, Costs(), at_once=2)
    assert set(begun[:2]) == {"test_soundcard_box", "test_service"}
    assert begun[-1] == "test_ground"


def test_sources_are_packed_readable_for_all_with_their_own_compiled_form(tmp_path: Path) -> None:
    room = tmp_path / "appliance"
    (room / "__pycache__").mkdir(parents=True)
    (room / "a.py").write_text("def where():\n    pass\n")
    (room / "a.py").chmod(0o600)
    (room / "__pycache__" / "a.cpython-313.pyc").touch()
    (tmp_path / ".git").mkdir()
    with tarfile.open(fileobj=io.BytesIO(pack_project(tmp_path))) as archive:
        entries = {entry.name: entry for entry in archive}
        compiled = archive.extractfile(f"./appliance/__pycache__/a.{sys.implementation.cache_tag}.pyc")
        assert compiled is not None
        assert marshal.loads(compiled.read()[16:]).co_filename == "/srv/linetap/appliance/a.py"
    assert [name for name in entries if ".git" in name or "313" in name] == []
    assert entries["./appliance/a.py"].mode & 0o444 == 0o444
    assert entries["./appliance"].mode & 0o555 == 0o555
    assert {(entry.uid, entry.uname) for entry in entries.values()} == {(0, "root")}


def test_costs_are_summed_and_shown() -> None:
    costs = Costs()
    for _ in range(2):
        with costs.measure("restore"):
            pass
    with pytest.raises(ValueError, match="within"), costs.measure("group"):
        raise ValueError("within")
    costs.passed_inside("group", 600.0)
    table = costs.table().splitlines()
    assert [row.split()[0] for row in table] == ["restore", "group", "in", "of"]
    assert "2 times" in table[0]
    assert "600.0 s by the machine's clock" in table[1]
