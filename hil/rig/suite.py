"""Runs test files inside the rig: each in a machine of its own, so that none sees what another left."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import final

from hil.rig.costs import Costs
from hil.rig.image.libraries import PYTHON, SOURCES
from hil.rig.image.packages import ROOT
from hil.rig.rig import FEATURES, FEATURES_NAME, Rig

FOLDER = "tests/hil"
GROUP_S = 1800.0  # most that a group may take, by the machine's clock
# Those that take longest, so that none of them begins when the others have ended. Minutes of a processor each.
_LONG = ("test_soundcard_box", "test_rigsuite", "test_service", "test_plugging", "test_soundcard")
_JUNIT = "/run/junit.xml"


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """A test file, and which of its tests: pytest's own words, relative to the tree."""

    file: str
    words: tuple[str, ...]


def find_groups(asked: Sequence[str], root: Path = ROOT) -> list[Group]:
    """Sort what was asked for (files, folders, ``file::test``) by file; without any, all of ``tests/hil``.

    Raises FileNotFoundError for a path that is not there.
    """
    groups: dict[str, list[str]] = {}
    for word in asked or (FOLDER,):
        path = root / word.partition("::")[0]
        if not path.exists():
            raise FileNotFoundError(f"no tests at {word}")
        for file in sorted(path.rglob("test_*.py")) if path.is_dir() else [path]:
            name = str(file.relative_to(root))
            groups.setdefault(name, []).append(word if not path.is_dir() else name)
    return [Group(file, tuple(words)) for file, words in groups.items()]


def run_groups(
    rig: Rig,
    groups: Sequence[Group],
    options: Sequence[str],
    report_dir: Path | None,
    costs: Costs,
    *,
    at_once: int = 1,
) -> list[Group]:
    """Run groups, ``at_once`` of them beside each other, and give those that failed, in order. Raises RigError.

    Each is a machine whose clock counts its own instructions, so that none is disturbed by another. The longest begin
    first.
    """

    def run(group: Group) -> bool:
        return run_group(rig, group, options, report_dir, costs, aloud=at_once == 1)

    if at_once == 1:
        return [group for group in groups if not run(group)]
    with ThreadPoolExecutor(at_once) as pool:
        passed = {group: pool.submit(run, group) for group in sorted(groups, key=_place)}
        return [group for group in groups if not passed[group].result()]


def _place(group: Group) -> int:
    name = Path(group.file).stem
    return _LONG.index(name) if name in _LONG else len(_LONG)


def run_group(
    rig: Rig, group: Group, options: Sequence[str], report_dir: Path | None, costs: Costs, *, aloud: bool = True
) -> bool:
    """Run one group and pass on what it prints, at once or else at its end; True if all passed. Raises RigError."""
    printed: list[bytes] = []
    hear = _pass_on if aloud else printed.append
    with rig.restore() as machine:
        rig.install(machine)
        with costs.measure(group.file):
            done = machine.run(
                *(PYTHON, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={_JUNIT}", *options, *group.words),
                cwd=SOURCES,
                env={FEATURES_NAME: " ".join(FEATURES), "PYTHONUNBUFFERED": "1"},
                timeout_s=GROUP_S,
                hear_output=hear,
                hear_errors=hear,
            )
        _pass_on(b"".join(printed))
        costs.passed_inside(group.file, done.machine_s)
        if report_dir is not None:
            report_dir.mkdir(parents=True, exist_ok=True)
            (report_dir / f"{Path(group.file).stem}.xml").write_bytes(machine.get(_JUNIT))
    return done.code == 0


def _pass_on(data: bytes) -> None:
    sys.stdout.write(data.decode(errors="replace"))
    sys.stdout.flush()
