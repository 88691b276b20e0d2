"""``linetap station``: which device stands at which workstation."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli.asking import ApiPort, Asking
from appliance.cli.options import AsJson, Host, Timeout

station = typer.Typer(no_args_is_help=True, help="Show and change which device stands at which workstation.")

Name = Annotated[str, typer.Argument(metavar="STATION", help="Name of the workstation.")]
Device = Annotated[str, typer.Argument(metavar="DEVICE", help="DEVICEID at it.")]


@station.command("list")
def list_stations(
    host: Host = "127.0.0.1", port: ApiPort = 5620, timeout_s: Timeout = 10, as_json: AsJson = False
) -> None:
    """List the stations."""
    Asking(host, port, timeout_s, as_json).show("STATIONS", "STATIONS/STATION", ("STATIONNAME", "DEVICEID"))


@station.command()
def add(
    name: Name,
    device: Device,
    host: Host = "127.0.0.1",
    port: ApiPort = 5620,
    timeout_s: Timeout = 10,
    as_json: AsJson = False,
) -> None:
    """Put a device at a station; every other place of either is forgotten."""
    Asking(host, port, timeout_s, as_json).change("IMPORTSTATION", STATIONNAME=name, DEVICEID=device)


@station.command()
def edit(
    name: Name,
    device: Device,
    host: Host = "127.0.0.1",
    port: ApiPort = 5620,
    timeout_s: Timeout = 10,
    as_json: AsJson = False,
) -> None:
    """Put another device at a station that is there.

    Exit code 1 if it is not.
    """
    from appliance.errors import LinetapError

    box = Asking(host, port, timeout_s, as_json)
    known = {row["STATIONNAME"].lower() for row in box.ask("STATIONS").rows("STATIONS/STATION")}
    if name.lower() not in known:
        raise LinetapError(f"there is no station {name}")
    box.change("IMPORTSTATION", STATIONNAME=name, DEVICEID=device)


@station.command()
def remove(
    name: Name, host: Host = "127.0.0.1", port: ApiPort = 5620, timeout_s: Timeout = 10, as_json: AsJson = False
) -> None:
    """Forget a station."""
    Asking(host, port, timeout_s, as_json).change("IMPORTSTATION", ACTION="DELETE", STATIONNAME=name)
