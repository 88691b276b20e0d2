"""The rules of the house that no tool of its own holds."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from appliance.settings.loader import parse

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = sorted(path for room in ("appliance", "drivers", "hil") for path in (ROOT / room).rglob("*.py"))
CODE = sorted({*PRODUCT, *(path for room in ("tests", "bench") for path in (ROOT / room).rglob("*.py"))})
MOST_LINES = 600
CLOCKS = {"time.time", "time.monotonic", "time.time_ns", "datetime.now", "datetime.utcnow", "dt.datetime.now"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> set[str]:
    """Give the outermost names of all modules that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_files_are_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", PRODUCT, ids=name_of)
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_only_the_clock_asks_for_the_time() -> None:
    """What runs in the box, that is: the demonstration stands outside, and times itself."""
    asking = {
        f"{name_of(path)}:{node.lineno}"
        for path in PRODUCT
        if name_of(path).startswith("appliance/")
        and not name_of(path).startswith(("appliance/clock.py", "appliance/demo/"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in CLOCKS
    }
    assert not asking


def test_generated_pages_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_declared_library_is_used_and_every_used_one_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    declared = {re.split(r"[^A-Za-z0-9_-]", requirement)[0].lower() for requirement in wanted}
    distributions = packages_distributions()
    outside = {name for path in PRODUCT for name in imported(path)} - set(sys.stdlib_module_names)
    outside -= {"appliance", "drivers", "hil", ""}
    used = {distributions[name][0].lower() for name in outside}
    part_of = {"pydantic_core", "starlette"}  # libraries whose own library we declare
    assert used - {name.replace("_", "-") for name in part_of} - part_of == declared


def test_the_lock_holds_every_declared_library_and_no_address() -> None:
    lock = (ROOT / "config" / "requirements.lock").read_text()
    pinned = dict(re.findall(r"(?m)^([a-z0-9.-]+)==([^ ;]+)", lock))
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for requirement in [*data["project"]["dependencies"], *data["dependency-groups"]["dev"]]:
        assert re.split(r"[^A-Za-z0-9_-]", requirement)[0] in pinned
    assert "://" not in lock
    assert all(f"{name}=={version}" in lock for name, version in pinned.items())


PAGES = sorted(
    {
        *ROOT.glob("*.md"),
        *(page for room in ("docs", "systemd", "udev", "hil", "bench") for page in (ROOT / room).rglob("*.md")),
    }
)
ROOMS = "appliance|drivers|hil|tests|bench|docs|config|udev|systemd"
OTHER_TOML = {"conform.md", "simulate.md"}  # cases and days, not settings


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = [
        f"{name_of(page)}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not broken


def test_every_file_that_a_page_names_is_there() -> None:
    gone = [
        f"{name_of(page)}: {path}"
        for page in PAGES
        for path in re.findall(rf"`((?:{ROOMS})/[\w./*-]+)`", page.read_text(encoding="utf-8"))
        if not any(ROOT.glob(path.rstrip("/")))
    ]
    assert not gone


def test_every_example_of_settings_is_good() -> None:
    examples = [
        (name_of(page), example)
        for page in PAGES
        if page.name not in OTHER_TOML
        for example in re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    ]
    assert len(examples) >= 4
    for name, example in examples:
        parse(example, name)
