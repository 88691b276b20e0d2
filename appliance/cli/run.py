"""``linetap run``: the box, in the foreground."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from appliance.cli.options import DEFAULT_CONFIG, Config

if TYPE_CHECKING:
    from appliance.settings.models import Settings


def run(
    config: Config = DEFAULT_CONFIG,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Run the box in the foreground.

    Prints "linetap ready" once every listener accepts; ends on SIGTERM or SIGINT, with every recording finished.
    """
    import asyncio

    from appliance import log
    from appliance.errors import LinetapError, SettingsError
    from appliance.settings.loader import load
    from drivers.contract import TapFailedError, TapOptionsError

    if log_level not in log.LEVELS:
        raise typer.BadParameter(f"one of {', '.join(log.LEVELS)}", param_hint="--log-level")
    settings = load(config)
    log.set_up(log_level)
    try:
        code = asyncio.run(_run(settings))
    except TapOptionsError as error:
        raise SettingsError([f"{config}: {fault}" for fault in str(error).splitlines()]) from error
    except TapFailedError as error:
        raise LinetapError(str(error)) from error
    raise typer.Exit(code)


async def _run(settings: Settings) -> int:
    """Run the box and feed systemd's watchdog from its loop, so that a loop that hangs is noticed."""
    import asyncio

    from appliance import box, daemon

    def ready() -> None:
        print("linetap ready", flush=True)
        daemon.ready(f"Recording core {settings.box.core_id}, API on port {settings.api.port}")

    watchdog = asyncio.create_task(daemon.feed_watchdog())
    try:
        return await box.run(settings, ready=ready)
    finally:
        watchdog.cancel()
