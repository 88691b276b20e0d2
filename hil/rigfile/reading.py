"""Read a rig file. Every fault is found at once, each as ``file:line: key: what is wrong``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import pydantic

from appliance.errors import SettingsError
from appliance.settings import toml
from appliance.settings.faults import Faults, explain, unknown
from appliance.settings.lines import Key, locate
from hil.measure import KINDS
from hil.rigfile.models import (
    Cable,
    Calibration,
    Card,
    LimitPair,
    Output,
    Phone,
    Rig,
    RunSettings,
    SerialPort,
    Station,
    Table,
)
from hil.rigfile.wiring import ends, lines

_LISTS: Final[dict[str, type[Table]]] = {
    "cards": Card,
    "outputs": Output,
    "cables": Cable,
    "phones": Phone,
    "serial_ports": SerialPort,
}
_Model = TypeVar("_Model", bound=Table)
_Found = dict[str, dict[int, Any]]


def load(path: Path) -> Rig:
    """Read the file. Raises :class:`~appliance.errors.SettingsError` with every fault."""
    return parse(toml.text_of(path), str(path))


def parse(document: str, source: str) -> Rig:
    """Read a TOML document; ``source`` is its name in the faults. Raises :class:`~appliance.errors.SettingsError`."""
    read = toml.read(document)
    faults = Faults(source, locate(read.document))
    for line, text in read.faults:
        faults.add_at(line, text)
    complete = not read.faults  # what is missing after a line was left out is no fault of its own
    values = read.values
    for name in values:
        if name not in Rig.model_fields:
            faults.add((name,), unknown(name, Rig.model_fields))
    station = _table(faults, Station, values.get("station", {}), ("station",), complete=complete)
    run = _table(faults, RunSettings, values.get("run", {}), ("run",), complete=complete)
    found = {name: _list(faults, name, values.get(name, []), complete=complete) for name in _LISTS}
    limits = _limits(faults, values.get("limits", {}))
    _names_differ(faults, found)
    _cables_fit(faults, found, values)
    if told := faults.told():
        raise SettingsError(told)
    lists = {name: tuple(tables.values()) for name, tables in found.items()}
    return Rig.model_validate({"station": station, "run": run, **lists, "limits": limits})


def _list(faults: Faults, name: str, tables: object, *, complete: bool) -> dict[int, Any]:
    if not isinstance(tables, list):
        faults.add((name,), f"should be an array of tables: [[{name}]]")
        return {}
    found: dict[int, Any] = {}
    for number, table in enumerate(tables):
        key: Key = (name, number)
        rest, calibration = table, None
        if isinstance(table, dict) and "calibration" in table and name in {"cards", "outputs"}:
            rest = {key: value for key, value in table.items() if key != "calibration"}
            calibration = _table(faults, Calibration, table["calibration"], (*key, "calibration"), complete=complete)
        if (model := _table(faults, _LISTS[name], rest, key, complete=complete)) is not None:
            found[number] = model.model_copy(update={"calibration": calibration} if calibration else {})
    return found


def _table(faults: Faults, model: type[_Model], values: object, key: Key, *, complete: bool) -> _Model | None:
    try:
        return model.model_validate(values)
    except pydantic.ValidationError as error:
        for detail in error.errors(include_url=False):
            if complete or detail["type"] != "missing":
                place, text = explain(detail, model, values)
                faults.add((*key, *place), text)
        return None


def _limits(faults: Faults, values: object) -> Mapping[str, LimitPair]:
    if not isinstance(values, dict):
        faults.add(("limits",), "should be a table: [limits.level]")
        return {}
    found = {}
    for name, pair in values.items():
        if name not in KINDS:
            faults.add(("limits", name), unknown(name, KINDS, "measurement"))
        elif (limits := _table(faults, LimitPair, pair, ("limits", name), complete=True)) is not None:
            found[name] = limits
    return found


def _names_differ(faults: Faults, found: _Found) -> None:
    for name in _LISTS.keys() - {"cables"}:
        first: dict[str, int] = {}
        for number, table in found[name].items():
            other = first.setdefault(table.name, number)
            if other != number:
                faults.add((name, number, "name"), f"{table.name!r} is the name of {name}[{other}] already")


def _cables_fit(faults: Faults, found: _Found, values: Mapping[str, Any]) -> None:
    """Each end of a cable is there, no two cables share one, and every line has a name of its own."""
    for end, devices in (("output", "outputs"), ("input", "cards")):
        known = {device.name: device.channels for device in found[devices].values()}
        whole = len(found[devices]) == len(values.get(devices, []))
        taken: dict[str, str] = {}
        for number, cable in found["cables"].items():
            key: Key = ("cables", number, end)
            for text in _end_faults(getattr(cable, end), known, devices.removesuffix("s"), whole=whole):
                faults.add(key, text)
            for channel in _channels(getattr(cable, end)):
                other = taken.setdefault(channel, cable.line)
                if other != cable.line:
                    faults.add(key, f"{channel} is taken by the cable {other}")
    for number, cable in found["cables"].items():
        if len(ends(cable.output)[1]) != len(ends(cable.input)[1]):
            faults.add(("cables", number, "input"), f"should have as many channels as {cable.output}")
    _lines_differ(faults, found["cables"])


def _end_faults(end: str, known: Mapping[str, int], what: str, *, whole: bool) -> Iterator[str]:
    """``whole``: every device could be read, so that one that is not known is not there."""
    name, channels = ends(end)
    if not channels:
        yield "the last channel comes before the first"
    elif name not in known:
        if whole:
            yield unknown(name, known, what) if known else f"there is no {what}"
    elif channels[-1] > known[name]:
        yield f"{name} has {known[name]} channels"


def _channels(end: str) -> list[str]:
    name, channels = ends(end)
    return [f"{name}:{channel}" for channel in channels]


def _lines_differ(faults: Faults, cables: Mapping[int, Cable]) -> None:
    first: dict[str, int] = {}
    for number, cable in cables.items():
        for line in lines(cable):
            other = first.setdefault(line, number)
            if other != number:
                faults.add(("cables", number, "line"), f"{line!r} is a line of cables[{other}] already")
