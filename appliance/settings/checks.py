"""What must hold between the values of a settings file, beyond what each field says of itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

from appliance.calls.fields import TOLD_BY_LINES, CallFields
from appliance.settings.faults import Faults, unknown
from appliance.settings.lines import Key
from appliance.settings.models import Listener, RecordingSettings, ScheduleSettings, Section
from drivers.contract import TapOptions

_ASSIGNMENT = re.compile(r"^(any|playback|(device|agent):.+)$")
_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to


def names(faults: Faults, array: str, tables: Mapping[int, TapOptions] | Mapping[int, ScheduleSettings]) -> None:
    """Two tables of one array have different names."""
    first: dict[str, int] = {}
    for number, table in tables.items():
        other = first.setdefault(table.name, number)
        if other != number:
            faults.add((array, number, "name"), f"{table.name!r} is the name of {array}[{other}] already")


def ports(faults: Faults, sections: Mapping[str, Section | None]) -> None:
    """Two listeners do not want one port of one address."""
    listeners = [
        (name, found)
        for name, found in sections.items()
        if isinstance(found, Listener) and getattr(found, "enabled", True)
    ]
    for number, (name, listener) in enumerate(listeners):
        for other_name, other in listeners[:number]:
            if listener.port == other.port != 0 and _overlap(listener.host, other.host):
                faults.add((name, "port"), f"{listener.port} is the port of [{other_name}] already")


def held(faults: Faults, taps: Mapping[int, TapOptions]) -> None:
    """Two taps of one kind do not want the same port, or the same card."""
    first: dict[tuple[str, str, str], int] = {}
    for number, tap in taps.items():
        for option, thing in tap.holds.items():
            other = first.setdefault((tap.kind, option, thing), number)
            if other != number:
                faults.add(("taps", number, option), f"{thing} is the {option} of taps[{other}] already")


def told(faults: Faults, taps: Mapping[int, TapOptions]) -> None:
    """What a tap tells of its calls is a field of a call."""
    for number, tap in taps.items():
        for option, names_told in tap.call_fields.items():
            for name in sorted(names_told - TOLD_BY_LINES):
                faults.add(("taps", number, option, name), unknown(name, sorted(TOLD_BY_LINES), "call field"))


def assignments(faults: Faults, taps: Mapping[int, TapOptions]) -> None:
    """What a line is kept for is one of the four things that it can be."""
    for number, tap in taps.items():
        for line, use in tap.assign.items():
            if not _ASSIGNMENT.match(use):
                key: Key = ("taps", number, "assign", line)
                faults.add(key, f"should be any, playback, device:NAME or agent:NAME (got {use!r})")


def matches(faults: Faults, schedules: Mapping[int, ScheduleSettings]) -> None:
    """What a schedule matches is a field of a call."""
    for number, schedule in schedules.items():
        for name in schedule.match:
            if name not in CallFields.model_fields:
                faults.add(("schedules", number, "match", name), unknown(name, CallFields.model_fields, "call field"))


def filters(faults: Faults, recording: Section | None) -> None:
    """What a recording filter matches is a field of a call, or its device; an empty one would match every call."""
    for number, one in enumerate(recording.filters if isinstance(recording, RecordingSettings) else ()):
        key: Key = ("recording", "filters", number)
        if not one:
            faults.add(key, "should name at least one call field")
        for name in one:
            if name != "device_id" and name not in CallFields.model_fields:
                faults.add((*key, name), unknown(name, CallFields.model_fields, "call field"))


def _overlap(host: str, other: str) -> bool:
    return host == other or bool({host, other} & _EVERYWHERE)
