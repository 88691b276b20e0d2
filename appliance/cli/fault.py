"""``linetap fault``: make a fault happen on a tap without hardware."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli.options import DEFAULT_CONFIG, Config


def fault(
    tap: Annotated[str, typer.Argument(help="Name of the tap.")],
    line: Annotated[str, typer.Argument(help="Name of its line.")],
    kind: Annotated[str, typer.Argument(help="stall, overflow, drop or die.")],
    amount: Annotated[float, typer.Argument(help="Seconds of a stall, frames of an overflow.")] = 0.0,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Make a fault happen in the box that runs here with these settings, on a tap that simulates."""
    from appliance.control_client import ask
    from appliance.settings.loader import load

    request = {"verb": "simulate", "tap": tap, "line": line, "fault": kind, "amount": amount}
    ask(load(config).box.run_dir, request)
