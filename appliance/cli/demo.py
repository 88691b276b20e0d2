"""``linetap demo``: a whole call through a box of its own, checked."""

from __future__ import annotations

import typer

from appliance.cli.options import AsJson


def demo(as_json: AsJson = False) -> None:
    """Show a whole call, recorded and checked.

    Starts a box of its own, has a real SIP phone call it, drives it over its ports as a client would, and checks
    the audio; exit code 0 only if that was right.
    """
    from appliance import demo as demonstration

    raise typer.Exit(demonstration.run(as_json=as_json))
