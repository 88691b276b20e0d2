"""``linetap conform``: the wire contract, checked at any box."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from appliance.cli.options import AsJson, Timeout


def conform(  # noqa: PLR0913, PLR0917 - typer passes them by name
    host: Annotated[str, typer.Argument(metavar="HOST", help="Address of the box.")],
    port: Annotated[int, typer.Option(help="Port of the XML API.")] = 5620,
    events_port: Annotated[int, typer.Option(help="Port of the events.")] = 5621,
    web_port: Annotated[int, typer.Option(help="Port of the WebAPI.")] = 2012,
    cases: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="Folder of cases of your own, beside those shipped.")
    ] = None,
    only: Annotated[str, typer.Option(metavar="PATTERN", help="Cases by group/name, as in 'd_calls/*'.")] = "*",
    over: Annotated[str, typer.Option(help="tcp or http; default: both.")] = "",
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit XML.")] = None,
    timeout_s: Timeout = 10,
    as_json: AsJson = False,
    names: Annotated[bool, typer.Option("--list", help="Print the cases, and play none.")] = False,
) -> None:
    """Play wire cases at a box and tell what differs octet for octet.

    Use a box that may take calls of devices named conform-…; what cannot be taken away again is told. Exit code 0 if
    nothing differs, 1 if something does, 69 if no box answers.
    """
    import fnmatch
    import json

    from appliance.conform import SHIPPED, Box, CaseFileError, Report, play_all, read_cases
    from appliance.conform.case import OVERS
    from appliance.conform.report import line_of

    chosen = tuple(one for one in OVERS if over in {"", one})
    if not chosen:
        raise typer.BadParameter("tcp or http", param_hint="--over")
    try:
        known = read_cases([SHIPPED, *(cases or [])])
    except CaseFileError as error:
        raise typer.BadParameter(str(error), param_hint="--cases") from error
    wanted = [case for case in known if fnmatch.fnmatchcase(f"{case.group}/{case.name}", only)]
    if not wanted:
        raise typer.BadParameter(f"no case is named {only}", param_hint="--only")
    if names:
        for case in wanted:
            print(f"{case.group}/{case.name}: {case.says}")
        return
    box = Box(host, port, events_port, web_port, timeout_s)
    outcomes = []
    for outcome in play_all(box, wanted, chosen):
        outcomes.append(outcome)
        if not as_json:
            print(line_of(outcome), flush=True)
    report = Report(host, tuple(outcomes))
    if junit is not None:
        _write(report, junit)
    print(json.dumps(report.facts()) if as_json else "\n".join(report.lines()))
    raise typer.Exit(0 if report.good else 1)


def _write(report: object, path: Path) -> None:
    """Write the file. Raises LinetapError."""
    from appliance.conform import Report
    from appliance.errors import LinetapError

    assert isinstance(report, Report)
    try:
        report.write_junit(path)
    except OSError as error:
        raise LinetapError(f"{path}: {error.strerror}") from error
