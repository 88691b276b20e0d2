"""The report that a run of the rig suite wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Written:
    """What stands in its ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def facts(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "report.json").read_text())
        return found

    @property
    def failed(self) -> set[tuple[str, str]]:
        return {(result["name"], result["line"]) for result in self.facts["results"] if not result["passed"]}
