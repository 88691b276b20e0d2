"""``linetap hil run``: a technician's bench, measured."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

hil_commands = typer.Typer(no_args_is_help=True, help="Prove the lines of a box on a bench.")

EXIT_USAGE = 2
_USAGE_ERROR = 4  # of pytest


@hil_commands.callback()
def _group() -> None:
    """Keep ``run`` a word of its own, though it is the only one."""


@hil_commands.command()
def run(
    rig: Annotated[Path, typer.Option("--rig", metavar="FILE", help="What stands on the bench: docs/rig-suite.md.")],
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write report.html, report.json and junit.xml there.")
    ] = None,
    only: Annotated[str, typer.Option(metavar="NAMES", help="Measurements by name, as in 'level,vox_*'.")] = "*",
    operator: Annotated[str, typer.Option(metavar="NAME", help="Who runs it; else as the rig file says.")] = "",
) -> None:
    """Measure every line of a rig, and write the report.

    Exit code 0 if something was measured and all of it is within its limits, 1 if not, 78 for a bad rig file.
    """
    from appliance.errors import LinetapError

    try:
        import pytest
    except ImportError as error:
        raise LinetapError("the rig suite needs pytest: install linetap[hil,soundcard]") from error
    import hil.suite
    from hil.rigfile import load

    load(rig)
    suite = Path(hil.suite.__file__).parent
    words = ["-c", str(suite / "pytest.ini"), "--rootdir", str(suite), str(suite), "--rig", str(rig), "--only", only]
    words += ["--report", str(report)] if report else []
    words += ["--operator", operator] if operator else []
    code = int(pytest.main(["-q", "--tb=no", "--no-summary", *words]))
    raise typer.Exit(EXIT_USAGE if code == _USAGE_ERROR else min(code, 1))
