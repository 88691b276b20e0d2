"""A day as it is written: who is there, what is recorded, which calls come. Unknown words in a file are faults."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, final

import pydantic
from pydantic import Field

SHIPPED: Final = Path(__file__).parent / "days"
_DAY_S: Final = 86400
Values = dict[str, str | int | tuple[str, ...]]
"""Values of a message by wire name. Of a list one is drawn; each ``#`` of a text in traffic becomes a digit."""


@final
class DayFileError(Exception):
    """A file of a day that cannot be played; the text names the file, the place and what is wrong."""


def _seconds(value: object) -> object:
    """Read HH:MM or HH:MM:SS as seconds since midnight."""
    if not isinstance(value, str):
        raise ValueError(f"should be a time as in '09:30' or '09:30:15' (got {value!r})")  # noqa: TRY004 - pydantic
    try:
        moment = dt.time.fromisoformat(value)
    except ValueError:
        raise ValueError(f"should be a time as in '09:30' or '09:30:15' (got {value!r})") from None
    return moment.hour * 3600 + moment.minute * 60 + moment.second


Clock = Annotated[float, pydantic.BeforeValidator(_seconds)]
"""A time of the day, in seconds since midnight."""
Length = Annotated[float, Field(ge=0, le=_DAY_S)]


class _Form(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


@final
class Agent(_Form):
    """Somebody who takes calls: a place with a device, a phone number that goes with the person, groups."""

    first: str
    last: str
    device: str
    phone: str
    station: str = ""
    sys_user: str = ""
    crm_user: str = ""
    employee: str = ""
    email: str = ""
    groups: tuple[str, ...] = ()


@final
class User(_Form):
    """Somebody who may listen to groups' recordings."""

    username: str
    first: str = ""
    last: str = ""
    groups: tuple[str, ...] = ()


class _Said(_Form):
    """A message: its type, and its values in upper case beside it."""

    type: str
    values: Values = {}

    @pydantic.model_validator(mode="before")
    @classmethod
    def _gather(cls, written: Any) -> Any:
        if not isinstance(written, dict):
            return written
        values = {name: value for name, value in written.items() if name.isupper()}
        return {name: value for name, value in written.items() if name not in values} | {"values": values}


@final
class Deed(_Said):
    """A message during a call, ``after_s`` its begin. DEVICEID and CALLINSTANCE are the call's where it has none."""

    after_s: Length


@final
class Call(_Form):
    """One call of the script, or a chat: begun, changed by what it ``does``, ended after ``lasts_s``."""

    at: Clock
    says: str = ""
    kind: Literal["call", "chat"] = "call"
    device: str = ""
    instance: str = ""
    session: str = ""
    lasts_s: Annotated[float, Field(gt=0, le=_DAY_S)]
    fields: Values = {}
    does: tuple[Deed, ...] = ()

    @pydantic.model_validator(mode="after")
    def _named(self) -> Self:
        if self.kind == "call" and not self.device:
            raise ValueError("a call needs a device")
        if self.kind == "chat" and not self.session:
            raise ValueError("a chat needs a session")
        if late := [deed.type for deed in self.does if deed.after_s > self.lasts_s]:
            raise ValueError(f"{', '.join(late)} would come after the end")
        return self


@final
class Message(_Said):
    """A message that belongs to no call."""

    at: Clock
    says: str = ""


@final
class Traffic(_Form):
    """Calls by chance, ``calls_an_hour`` on the average; a device takes one at a time."""

    begin: Clock
    end: Clock
    calls_an_hour: Annotated[float, Field(gt=0, le=3600)]
    devices: Annotated[tuple[str, ...], Field(min_length=1)]
    lasts_s: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]]
    unanswered_percent: Annotated[float, Field(ge=0, le=100)] = 0
    rings_s: tuple[float, float] = (6, 25)
    update_percent: Annotated[float, Field(ge=0, le=100)] = 0
    blackout_percent: Annotated[float, Field(ge=0, le=100)] = 0
    fields: Values = {}
    updates: Values = {}

    @pydantic.model_validator(mode="after")
    def _forward(self) -> Self:
        for name, (low, high) in {"lasts_s": self.lasts_s, "rings_s": self.rings_s}.items():
            if low > high:
                raise ValueError(f"{name}: the first is the least, the second the most")
        if self.begin >= self.end:
            raise ValueError("begin lies behind end")
        return self


@final
class Day(_Form):
    """A whole day. ``schedules`` are those of the settings file (docs/settings.md)."""

    title: str
    about: str = ""
    begins: Clock
    ends: Clock
    lines: Annotated[int, Field(ge=1, le=1000)] = 8
    groups: tuple[str, ...] = ()
    terms: dict[str, str] = {}
    agents: tuple[Agent, ...] = ()
    users: tuple[User, ...] = ()
    schedules: tuple[dict[str, Any], ...] = ({"name": "all"},)
    calls: tuple[Call, ...] = ()
    messages: tuple[Message, ...] = ()
    traffic: tuple[Traffic, ...] = ()

    @pydantic.model_validator(mode="after")
    def _whole(self) -> Self:
        if self.begins >= self.ends:
            raise ValueError("begins lies behind ends")
        moments = [(call.at, call.says or call.device) for call in self.calls]
        moments += [(message.at, message.says or message.type) for message in self.messages]
        for at, name in moments:
            if not self.begins <= at <= self.ends:
                raise ValueError(f"{name}: is not between begins and ends")
        used = [*(agent.groups for agent in self.agents), *(user.groups for user in self.users)]
        unknown = {group for groups in used for group in groups} - set(self.groups)
        if unknown:
            raise ValueError(f"no such group: {', '.join(sorted(unknown))}")
        return self


def read_day(file: Path) -> Day:
    """Read a file. Raises DayFileError."""
    try:
        return Day.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DayFileError(f"{file}: {error}") from error
    except pydantic.ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise DayFileError(f"{file}: {'; '.join(faults)}") from error


def find_day(name: str) -> Day:
    """Read a day that ships, by its name, or a file. Raises DayFileError."""
    shipped = {file.stem: file for file in SHIPPED.glob("*.toml")}
    if name in shipped:
        return read_day(shipped[name])
    if not Path(name).exists():
        raise DayFileError(f"{name}: no such file, and no day of that name; there are {', '.join(sorted(shipped))}")
    return read_day(Path(name))
