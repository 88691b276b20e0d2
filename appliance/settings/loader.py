"""Read the settings file. Every fault is found at once, each with its line; the box starts with none or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from appliance.settings import toml
from appliance.settings.faults import Faults
from appliance.settings.lines import locate
from appliance.settings.models import Settings
from appliance.settings.reading import Reading


def load(path: Path) -> Settings:
    """Read the file. Relative paths in it count from the folder that it stands in.

    Raises :class:`SettingsError` with every fault.
    """
    return parse(toml.text_of(path), str(path), folder=path.absolute().parent)


def parse(document: str, source: str, *, folder: Path | None = None) -> Settings:
    """Read a TOML document; ``source`` is its name in the faults. Raises :class:`SettingsError`."""
    found = toml.read(document)
    faults = Faults(source, locate(found.document))
    for line, text in found.faults:
        faults.add_at(line, text)
    return Reading(faults, folder, complete=not found.faults).settings(found.values)


def build(values: Mapping[str, Any]) -> Settings:
    """Make settings of values that come from no file. Raises :class:`SettingsError`."""
    return Reading(Faults("settings", {(): 1}), None, complete=True).settings(values)
