"""The second disk, mounted at ``/opt``: the product's virtual environment with the lock's libraries, and the agent.

The product itself is not in it: its sources come with each run, and the environment only points to where they go.
"""

from __future__ import annotations

import compileall
import py_compile
import shutil
import sys
from pathlib import Path

from hil.rig.image.packages import ROOT
from hil.rig.image.steps import fetch, run

LOCK = ROOT / "config" / "requirements.lock"
AGENT = Path(__file__).resolve().parents[1] / "agent"
SOURCES = "/srv/linetap"  # where the product's tree goes inside the machine
PYTHON = "/opt/linetap/bin/python"
# Tools of a developer's desk; everything else in the lock is what the box or its tests import.
LEFT_OUT = frozenset(
    {
        *("ast-serialize", "grimp", "import-linter", "librt", "mypy", "mypy-extensions", "ruff"),
        *("editables", "hatchling", "uv"),
    }
)
UNCHECKED = py_compile.PycInvalidationMode.UNCHECKED_HASH  # the disk never changes
_SCRIPT = f"""#!{PYTHON}
import sys

from appliance.cli import main

sys.exit(main())
"""


def make_libraries(root: Path, work: Path, log_dir: Path) -> None:
    """Fill ``root`` with what is mounted at ``/opt``. Takes 10 to 30 s, with the network as fast as it is."""
    work.mkdir()
    venv = root / "linetap"
    packages = venv / "lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    requirements, wheels = work / "requirements.txt", work / "wheels"
    requirements.write_text(without(LOCK.read_text(encoding="utf-8"), LEFT_OUT))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    get = ["wheel", "--require-hashes", "--no-deps", "--wheel-dir", str(wheels), "--requirement", str(requirements)]
    fetch(log_dir, "wheels", [*pip, *get])
    put = ["install", "--no-index", "--no-deps", "--no-compile", "--root-user-action=ignore", "--target", str(packages)]
    run(log_dir, "libraries", [*pip, *put, *sorted(wheels.glob("*.whl"))])
    compileall.compile_dir(packages, quiet=2, stripdir=str(root), prependdir="/opt", invalidation_mode=UNCHECKED)
    _write_venv(venv, packages)
    _install_agent(root / "rig")


def _write_venv(venv: Path, packages: Path) -> None:
    (venv / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = true\nversion = 3.11\n")
    bin_dir = venv / "bin"
    bin_dir.mkdir()
    (bin_dir / "python").symlink_to("/usr/bin/python3")
    (bin_dir / "linetap").write_text(_SCRIPT)
    (bin_dir / "linetap").chmod(0o755)
    (packages / "linetap.pth").write_text(f"{SOURCES}\n")


def _install_agent(root: Path) -> None:
    """Put the agent under the name that it has here, each package above it empty but for its docstring."""
    package = root / "hil" / "rig"
    package.mkdir(parents=True)
    (root / "hil" / "__init__.py").touch()
    (package / "__init__.py").touch()
    shutil.copytree(AGENT, package / "agent", ignore=shutil.ignore_patterns("__pycache__"))


def without(lock: str, names: frozenset[str]) -> str:
    """Give the lock without some packages. A package's lines run from its name to the next name."""
    kept: list[str] = []
    keeps = True
    for line in lock.splitlines():
        if line and not line[0].isspace():
            keeps = line.split("==")[0].strip().lower() not in names
        if keeps:
            kept.append(line)
    return "\n".join([*kept, ""])
