"""``linetap simulate``: a box to try things at, with a day of calls."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def simulate(  # noqa: PLR0913, PLR0917 - typer passes them by name
    day: Annotated[str, typer.Option(metavar="NAME|FILE", help="A day of --list, or a file of your own.")] = "office",
    speed: Annotated[float, typer.Option(min=0.1, max=1000, help="How many times as fast as life.")] = 60,
    seed: Annotated[int, typer.Option(help="The same seed gives the same calls.")] = 1,
    once: Annotated[bool, typer.Option("--once", help="End when the day is over; else the next one begins.")] = False,
    folder: Annotated[
        Path, typer.Option(metavar="DIR", help="Recordings, database, settings and log; kept from run to run.")
    ] = Path("simulator"),
    port: Annotated[int, typer.Option(help="Port of the XML API.")] = 5620,
    events_port: Annotated[int, typer.Option(help="Port of the events.")] = 5621,
    web_port: Annotated[int, typer.Option(help="Port of the WebAPI.")] = 2012,
    free_ports: Annotated[bool, typer.Option("--free-ports", help="Take free ports, and say which.")] = False,
    names: Annotated[bool, typer.Option("--list", help="Print the days that there are, and play none.")] = False,
) -> None:
    """Simulate a box on virtual lines with a scripted day of calls, for integrators without one.

    It is a whole box on this machine's loopback: agents, groups, schedules, calls with their events, and recordings
    (of tones) that can be exported while it runs. Each thing it does is printed. Ctrl-C ends it.
    """
    import sys

    from appliance.errors import LinetapError
    from appliance.simulate import SHIPPED, BoxError, DayFileError, Ports, find_day, read_day
    from appliance.simulate import simulate as play

    if names:
        for file in sorted(SHIPPED.glob("*.toml")):
            print(f"{file.stem}: {read_day(file).title}")
        return
    try:
        chosen = find_day(day)
    except DayFileError as error:
        raise typer.BadParameter(str(error), param_hint="--day") from error
    ports = None if free_ports else Ports(port, events_port, web_port)
    try:
        code = play(chosen, folder=folder.absolute(), ports=ports, speed=speed, seed=seed, once=once, out=sys.stdout)
    except (BoxError, OSError) as error:
        raise LinetapError(f"simulator: {error}") from error
    raise typer.Exit(code)
