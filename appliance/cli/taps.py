"""How the taps of this machine's box do: a table of ``linetap status``."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Final

from appliance.cli.lines import ask_here

COLUMNS: Final = ("TAP", "WORKERS", "RESTARTS", "REFUSED", "LOST", "LAST FAULT")


def taps_here(config: Path) -> list[dict[str, str]]:
    """Give a row for each tap; none where this machine has no box with these settings."""
    found = ask_here(config, "taps").get("taps", {})
    return [_row(name, told) for name, told in found.items()]


def _row(name: str, told: dict[str, Any]) -> dict[str, str]:
    at = dt.datetime.fromisoformat(told["fault_at"]).astimezone() if told["fault_at"] else None
    return {
        "TAP": name,
        "WORKERS": f"{told['workers_up']} of {told['workers']}",
        "RESTARTS": str(told["restarts"]),
        "REFUSED": str(told["refused_calls"]),
        "LOST": str(told["lost_frames"]),
        "LAST FAULT": f"{at:%Y-%m-%d %H:%M:%S} {told['fault']}" if at else "",
    }
