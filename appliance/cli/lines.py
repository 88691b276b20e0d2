"""What the box of this machine measures on its lines: the table at the end of ``linetap status``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

COLUMNS: Final = ("TAP", "LINE", "LEVEL", "PEAK", "VOICE", "CARD", "OVERRUNS", "DRIFT")
_FIGURE: Final = re.compile(
    r'^linetap_(card|line)_(\w+)\{tap="([^"]*)"(?:,line="([^"]*)")?[^}]*\} (\S+)$', re.MULTILINE
)


def lines_here(config: Path) -> list[dict[str, str]]:
    """Give a row for each line that a tap measures; none where this machine has no box with these settings.

    Levels are in dBFS, one a leg; the drift is the card's, in ppm.
    """
    return read_figures(page_here(config))


def page_here(config: Path) -> str:
    """Give the figures of this machine's box with these settings; nothing where it has none."""
    return str(ask_here(config, "figures").get("figures", ""))


def ask_here(config: Path, verb: str) -> dict[str, Any]:
    """Ask this machine's box with these settings; nothing where there is none."""
    from appliance.control_client import ask
    from appliance.errors import LinetapError
    from appliance.settings.loader import load

    if not config.exists():
        return {}
    try:
        return ask(load(config).box.run_dir, {"verb": verb})
    except LinetapError:
        return {}


def read_figures(page: str) -> list[dict[str, str]]:
    """Make rows of the page of figures."""
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    cards: dict[str, dict[str, str]] = {}
    for thing, kind, tap, line, value in _FIGURE.findall(page):
        if thing == "card":
            cards.setdefault(tap, {})[kind] = value
        else:
            found.setdefault((tap, line), {}).setdefault(kind, []).append(value)
    return [
        {
            "TAP": tap,
            "LINE": line,
            "LEVEL": " ".join(figures.get("level_dbfs", ())),
            "PEAK": " ".join(figures.get("peak_dbfs", ())),
            "VOICE": "yes" if figures.get("voice") == ["1"] else "no",
            "CARD": "there" if cards.get(tap, {}).get("present") == "1" else "away",
            "OVERRUNS": cards.get(tap, {}).get("overruns_total", ""),
            "DRIFT": cards.get(tap, {}).get("drift_ppm", ""),
        }
        for (tap, line), figures in found.items()
    ]
