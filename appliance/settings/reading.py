"""Read the values of a settings file section by section, so that a fault in one hides none in another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, final

import pydantic
import pydantic_core

from appliance.errors import SettingsError
from appliance.settings import checks
from appliance.settings.faults import Faults, explain, unknown
from appliance.settings.lines import Key
from appliance.settings.models import (
    ApiSettings,
    Box,
    EventSettings,
    HttpsSettings,
    MailSettings,
    RecordingSettings,
    ScheduleSettings,
    Section,
    Settings,
    TlsSettings,
    WebSettings,
)
from drivers import registry
from drivers.contract import TapOptions, TapOptionsError

_SECTIONS: dict[str, type[Section]] = {
    "box": Box,
    "recording": RecordingSettings,
    "api": ApiSettings,
    "events": EventSettings,
    "web": WebSettings,
    "https": HttpsSettings,
    "tls": TlsSettings,
    "mail": MailSettings,
}
_Model = TypeVar("_Model", bound=pydantic.BaseModel)


@final
class Reading:
    """One reading of one file. Not ``complete`` after a line was left out: what is missing is then no fault."""

    def __init__(self, faults: Faults, folder: Path | None, *, complete: bool) -> None:
        self._faults = faults
        self._folder = folder
        self._complete = complete

    def settings(self, values: Mapping[str, Any]) -> Settings:
        """Give the settings. Raises :class:`SettingsError` with every fault."""
        for name in values:
            if name not in Settings.model_fields:
                self._faults.add((name,), unknown(name, Settings.model_fields))
        sections = {name: self._table(model, values.get(name, {}), (name,)) for name, model in _SECTIONS.items()}
        taps = self._taps(values.get("taps", []))
        schedules = self._schedules(values.get("schedules", []))
        checks.names(self._faults, "taps", taps)
        checks.names(self._faults, "schedules", schedules)
        checks.ports(self._faults, sections)
        checks.held(self._faults, taps)
        checks.told(self._faults, taps)
        checks.assignments(self._faults, taps)
        checks.matches(self._faults, schedules)
        checks.filters(self._faults, sections["recording"])
        found = self._faults.told()
        if found:
            raise SettingsError(found)
        return Settings.model_validate(
            {**sections, "taps": tuple(taps.values()), "schedules": tuple(schedules.values())}
        )

    def _taps(self, tables: object) -> dict[int, TapOptions]:
        read = {n: self._tap(table, ("taps", n)) for n, table in self._tables("taps", tables)}
        return {n: options for n, options in read.items() if options is not None}

    def _schedules(self, tables: object) -> dict[int, ScheduleSettings]:
        read = {
            n: self._table(ScheduleSettings, table, ("schedules", n)) for n, table in self._tables("schedules", tables)
        }
        return {n: schedule for n, schedule in read.items() if schedule is not None}

    def _tables(self, name: str, tables: object) -> list[tuple[int, object]]:
        if isinstance(tables, list | tuple):
            return list(enumerate(tables))
        self._faults.add((name,), f"should be an array of tables: [[{name}]]")
        return []

    def _tap(self, table: object, key: Key) -> TapOptions | None:
        if not isinstance(table, dict):
            self._faults.add(key, "should be a table")
            return None
        if "kind" not in table:
            if self._complete:
                self._faults.add((*key, "kind"), f"is required: one of {', '.join(registry.kinds())}")
            return None
        try:
            options = registry.load(str(table["kind"])).Options
        except TapOptionsError as error:
            self._faults.add((*key, "kind"), str(error))
            return None
        return self._table(options, table, key)

    def _table(self, model: type[_Model], values: object, key: Key) -> _Model | None:
        try:
            return self._placed(model.model_validate(values))
        except pydantic.ValidationError as error:
            for detail in _own(error.errors(include_url=False)):
                if self._complete or detail["type"] != "missing":
                    place, text = explain(detail, model, values)
                    self._faults.add((*key, *place), text)
            return None

    def _placed(self, table: _Model) -> _Model:
        """Count relative paths from the folder of the file, whatever folder the box is started in."""
        return table.model_copy(update={name: self._place(value) for name, value in table})

    def _place(self, value: Any) -> Any:
        match value:
            case Path():
                return (self._folder or Path.cwd()) / value
            case pydantic.BaseModel():
                return self._placed(value)
            case tuple() if any(isinstance(one, Path | pydantic.BaseModel) for one in value):
                return tuple(self._place(one) for one in value)
            case _:
                return value


def _own(details: list[pydantic_core.ErrorDetails]) -> list[pydantic_core.ErrorDetails]:
    """Leave out that an array is too short where that is because its items have faults of their own."""
    within = {detail["loc"][:n] for detail in details for n in range(len(detail["loc"]))}
    return [detail for detail in details if detail["type"] != "too_short" or detail["loc"] not in within]
