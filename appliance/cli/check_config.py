"""``linetap check-config``: every fault of a settings file, with its line."""

from __future__ import annotations

import json

import typer

from appliance.cli.options import DEFAULT_CONFIG, AsJson, Config


def check_config(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Name every fault of a settings file.

    Exit code 78 if there is one.
    """
    from appliance.errors import SettingsError
    from appliance.ports.tls import Certificates
    from appliance.settings.loader import load

    try:
        settings = load(config)
        Certificates(settings).check()
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
        "schedules": [schedule.name for schedule in settings.schedules],
        "recordings": str(settings.recording_path),
    }
    if as_json:
        print(json.dumps(facts))
        return
    print(f"{config}: good; {len(settings.taps)} taps, {len(settings.schedules)} schedules")
    print(f"recordings go to {settings.recording_path}")
