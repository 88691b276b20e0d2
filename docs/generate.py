"""Write every page that is generated from declarations, or with ``--check`` tell which are stale (exit code 1)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PAGES: dict[str, str] = {
    "config/linetap.toml": "appliance.settings.sample",
    "docs/messages.md": "appliance.messages.reference",
    "docs/settings.md": "appliance.settings.reference",
}
"""File -> the module that prints it."""


def main() -> int:
    """Write or check all pages."""
    check = "--check" in sys.argv[1:]
    stale = 0
    for name, module in PAGES.items():
        page = ROOT / name
        text = _printed(module)
        if page.exists() and page.read_text(encoding="utf-8") == text:
            continue
        if check:
            stale += 1
            print(f"{name} is stale: make docs writes it anew")
        else:
            page.write_text(text, encoding="utf-8")
            print(f"{name} written")
    return 1 if stale else 0


def _printed(module: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", module], cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8"
    ).stdout


if __name__ == "__main__":
    sys.exit(main())
