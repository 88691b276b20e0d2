"""How the accounts of this machine's box stand at their registrars: a table of ``linetap status``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from appliance.cli.lines import page_here

COLUMNS: Final = ("TAP", "ACCOUNT", "REGISTERED", "ANSWER")
_FIGURE: Final = re.compile(
    r'^linetap_account_(registered|answer)\{tap="([^"]*)",account="([^"]*)"\} (\S+)$', re.MULTILINE
)


def accounts_here(config: Path) -> list[dict[str, str]]:
    """Give a row for each account; none where this machine has no box with these settings, or it has no account."""
    return read_accounts(page_here(config))


def read_accounts(page: str) -> list[dict[str, str]]:
    """Make rows of the page of figures."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for kind, tap, account, value in _FIGURE.findall(page):
        found.setdefault((tap, account), {})[kind] = value
    return [
        {
            "TAP": tap,
            "ACCOUNT": account,
            "REGISTERED": "yes" if figures.get("registered") == "1" else "no",
            "ANSWER": figures.get("answer", ""),
        }
        for (tap, account), figures in found.items()
    ]
