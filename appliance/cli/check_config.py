"""``linetap check-config``: every fault of a settings file, with its line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from appliance.cli.options import DEFAULT_CONFIG, AsJson, Config

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.settings.models import Settings


def check_config(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Name every fault of a settings file.

    Those too that the taps would meet on this machine: a package that is not there, ports that do not suffice, a line
    that is none. No device is opened. Exit code 78 if there is one.
    """
    import asyncio

    from appliance.errors import SettingsError
    from appliance.ports.tls import Certificates
    from appliance.settings.loader import load

    try:
        settings = load(config)
        Certificates(settings).check()
        lines = asyncio.run(_plan(settings, config))
    except SettingsError as error:
        if not as_json:
            raise
        print(json.dumps({"file": str(config), "good": False, "faults": error.faults}))
        raise typer.Exit(78) from error
    facts = {
        "file": str(config),
        "good": True,
        "faults": [],
        "taps": [tap.name for tap in settings.taps],
        "lines": lines,
        "schedules": [schedule.name for schedule in settings.schedules],
        "recordings": str(settings.recording_path),
    }
    if as_json:
        print(json.dumps(facts))
        return
    numbers = ((len(settings.taps), "tap"), (lines, "line"), (len(settings.schedules), "schedule"))
    print(f"{config}: good; {', '.join(f'{n} {thing}' + 's' * (n != 1) for n, thing in numbers)}")
    print(f"recordings go to {settings.recording_path}")


async def _plan(settings: Settings, config: Path) -> int:
    """Let every tap plan its workers; gives the number of lines. Raises SettingsError with every fault."""
    from appliance.channels.pool import ChannelPool
    from appliance.errors import LinetapError, SettingsError
    from appliance.taps import Taps
    from drivers.contract import TapFailedError, TapOptionsError

    pool = ChannelPool()
    try:
        await Taps(settings.taps, settings.box.run_dir).plan(pool)
    except TapOptionsError as error:
        raise SettingsError([f"{config}: {fault}" for fault in str(error).splitlines()]) from error
    except TapFailedError as error:
        raise LinetapError(str(error)) from error
    return len(pool)
