"""``linetap station``: which device stands at which workstation."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli.asking import Asking, asks

station = typer.Typer(no_args_is_help=True, help="Show and change which device stands at which workstation.")

Name = Annotated[str, typer.Argument(metavar="STATION", help="Name of the workstation.")]
Device = Annotated[str, typer.Argument(metavar="DEVICE", help="DEVICEID at it.")]


@station.command("list")
@asks
def list_stations(box: Asking) -> None:
    """List the stations."""
    box.show("STATIONS", "STATIONS/STATION", ("STATIONNAME", "DEVICEID"))


@station.command()
@asks
def add(box: Asking, name: Name, device: Device) -> None:
    """Put a device at a station; every other place of either is forgotten."""
    box.change("IMPORTSTATION", STATIONNAME=name, DEVICEID=device)


@station.command()
@asks
def edit(box: Asking, name: Name, device: Device) -> None:
    """Put another device at a station that is there.

    Exit code 1 if it is not.
    """
    from appliance.errors import LinetapError

    known = {row["STATIONNAME"].lower() for row in box.ask("STATIONS").rows("STATIONS/STATION")}
    if name.lower() not in known:
        raise LinetapError(f"there is no station {name}")
    box.change("IMPORTSTATION", STATIONNAME=name, DEVICEID=device)


@station.command()
@asks
def remove(box: Asking, name: Name) -> None:
    """Forget a station."""
    box.change("IMPORTSTATION", ACTION="DELETE", STATIONNAME=name)
