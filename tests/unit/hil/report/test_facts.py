from __future__ import annotations

import importlib
import importlib.metadata
import re
from pathlib import Path

import pytest

facts = importlib.import_module("hil.report.facts")  # the package has a function of that name


def test_a_report_says_the_version_also_of_a_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    installed = facts.software()
    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert re.fullmatch(r"linetap \d+\.\d+\.\d+, a checkout", facts.software())
    assert facts.software().startswith(installed)
    monkeypatch.setattr(facts, "_TOP", tmp_path)
    assert facts.software() == "linetap, of no known version"
