"""The report of a run: one HTML file without anything from outside, and the same facts as JSON.

JUnit is written by pytest itself, with the facts of each measurement as its properties.
"""

from __future__ import annotations

import json
from pathlib import Path

from hil.report.facts import facts
from hil.report.page import page
from hil.suite.proof import Proof


def write_report(proof: Proof, folder: Path) -> None:
    """Write report.html and report.json. Raises OSError."""
    told = facts(proof)
    (folder / "report.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    (folder / "report.html").write_text(page(proof, told), encoding="utf-8")
