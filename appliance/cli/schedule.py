"""``linetap schedule``: which calls are recorded, beside what the settings file says.

Stored schedules are read and changed in the box's database, whether the box runs or not: no message of the interface
speaks of schedules. A running box takes a change up within two seconds, for calls that begin afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from appliance.cli.options import DEFAULT_CONFIG, AsJson, Config

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.settings.models import ScheduleSettings, Settings
    from appliance.store.audit import Audit
    from appliance.store.schedules import Schedules

_T = TypeVar("_T")

schedule = typer.Typer(no_args_is_help=True, help="Show and change which calls are recorded.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the schedule.")]
Pairs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KEY=VALUE...",
        help="Keys of [[schedules]] as in the settings file, such as percent=20 kind=set_number count=5 "
        "weekdays=[1,2] match.group='Sales*'. An empty VALUE takes a key back.",
    ),
]
_SHOWN = ("kind", "percent", "count", "probability", "priority", "keep_days")


@schedule.command("list")
def list_schedules(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List the schedules in the order in which they count: those of the settings file, then the stored ones."""

    async def found(schedules: Schedules, _: Audit, settings: Settings) -> list[tuple[str, ScheduleSettings]]:
        of_file = [("file", one) for one in settings.schedules]
        names = {one.name.lower() for one in settings.schedules}
        stored = [one.settings for one in await schedules.all()]
        return [*of_file, *(("hidden" if one.name.lower() in names else "stored", one) for one in stored)]

    rows = _with_schedules(config, found)
    if as_json:
        print(json.dumps([{"place": place, **one.model_dump(mode="json")} for place, one in rows]))
        return
    cells = [("name", "place", *_SHOWN, "other"), *(_cells(place, one) for place, one in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(cells[0]))]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@schedule.command()
def add(name: Name, pairs: Pairs = None, config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Add a schedule behind all others.

    Exit code 1 if one of that name is there, in the settings file or stored.
    """
    from appliance import clock
    from appliance.errors import LinetapError

    new = _made({"name": name}, pairs)

    async def added(schedules: Schedules, audit: Audit, settings: Settings) -> None:
        in_file = name.lower() in {one.name.lower() for one in settings.schedules}
        if in_file or not await schedules.add(new, clock.now()):
            raise LinetapError(f"there is a schedule {name}")
        _note(audit, "schedule add", None, new)

    _with_schedules(config, added)
    _tell("added", new, as_json=as_json)


@schedule.command()
def edit(name: Name, pairs: Pairs = None, config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Change a stored schedule; recordings that are there or go on keep their terms.

    Exit code 1 if there is none of that name.
    """
    from appliance import clock
    from appliance.errors import LinetapError

    async def changed(schedules: Schedules, audit: Audit, settings: Settings) -> ScheduleSettings:
        old = await _stored(schedules, settings, name)
        new = _made(old.model_dump(mode="json", exclude_defaults=True), pairs)
        taken = new.name.lower() != name.lower() and new.name.lower() in {s.name.lower() for s in settings.schedules}
        if taken or not await schedules.replace(name, new, clock.now()):
            raise LinetapError(f"there is a schedule {new.name}")
        _note(audit, "schedule edit", old, new)
        return new

    _tell("changed", _with_schedules(config, changed), as_json=as_json)


@schedule.command()
def remove(name: Name, config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Take a stored schedule away; recordings that are there or go on keep their terms.

    Exit code 1 if there is none of that name.
    """

    async def removed(schedules: Schedules, audit: Audit, settings: Settings) -> ScheduleSettings:
        old = await _stored(schedules, settings, name)
        await schedules.remove(name)
        _note(audit, "schedule remove", old, None)
        return old

    _tell("removed", _with_schedules(config, removed), as_json=as_json)


async def _stored(schedules: Schedules, settings: Settings, name: str) -> ScheduleSettings:
    from appliance.errors import LinetapError

    found = next((one.settings for one in await schedules.all() if one.settings.name.lower() == name.lower()), None)
    if found is None:
        in_file = any(one.name.lower() == name.lower() for one in settings.schedules)
        raise LinetapError(
            f"schedule {name} stands in the settings file" if in_file else f"there is no schedule {name}"
        )
    return found


def _made(values: dict[str, Any], pairs: list[str] | None) -> ScheduleSettings:
    """Read the values with the changes. Raises typer.BadParameter that tells every fault."""
    import pydantic

    from appliance.calls.fields import CallFields
    from appliance.settings.faults import explain, unknown
    from appliance.settings.models import ScheduleSettings

    for pair in pairs or []:
        key, equals, text = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"{pair!r} is not KEY=VALUE")
        _put(values, key, text)
    for field in values.get("match", {}):
        if field not in CallFields.model_fields:
            raise typer.BadParameter(f"match.{field}: {unknown(field, CallFields.model_fields, 'call field')}")
    try:
        return ScheduleSettings.model_validate(values)
    except pydantic.ValidationError as error:
        told = [explain(detail, ScheduleSettings, values) for detail in error.errors()]
        raise typer.BadParameter("; ".join(f"{'.'.join(map(str, key))}: {text}" for key, text in told)) from None


def _put(values: dict[str, Any], key: str, text: str) -> None:
    outer, dot, inner = key.partition(".")
    table, name = (values.setdefault(outer, {}), inner) if dot and outer == "match" else (values, key)
    if text:
        table[name] = _value(text)
    else:
        table.pop(name, None)


def _value(text: str) -> Any:
    """Read a value as TOML; what is no TOML, or a date, is text."""
    import tomllib

    try:
        value = tomllib.loads(f"it = {text}")["it"]
    except tomllib.TOMLDecodeError:
        return text
    return value if isinstance(value, str | int | float | list | dict) else text


def _with_schedules(config: Path, ask: Callable[[Schedules, Audit, Settings], Awaitable[_T]]) -> _T:
    """Ask the box's database. Raises LinetapError where there is none, and DatabaseError."""
    import asyncio

    from appliance.errors import LinetapError
    from appliance.settings.loader import load
    from appliance.store.schedules import open_schedules

    settings = load(config)
    if not settings.box.data_dir.is_dir():
        raise LinetapError(f"{settings.box.data_dir} is not there: no box has run yet")

    async def asked() -> _T:
        async with open_schedules(settings.box.data_dir) as (schedules, audit):
            return await ask(schedules, audit, settings)

    return asyncio.run(asked())


def _note(audit: Audit, what: str, before: ScheduleSettings | None, after: ScheduleSettings | None) -> None:
    import getpass

    facts = [one.model_dump(mode="json", exclude_defaults=True) if one else None for one in (before, after)]
    audit.note(what, port="cli", peer=getpass.getuser(), before=facts[0], after=facts[1])


def _cells(place: str, one: ScheduleSettings) -> tuple[str, ...]:
    other = one.model_dump(mode="json", exclude_defaults=True, exclude={"name", *_SHOWN})
    return (one.name, place, *(f"{getattr(one, key)}" for key in _SHOWN), json.dumps(other) if other else "")


def _tell(what: str, one: ScheduleSettings, *, as_json: bool) -> None:
    print(json.dumps({what: one.model_dump(mode="json")}) if as_json else f"schedule {one.name} {what}")
