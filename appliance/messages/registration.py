"""Requests that change the registry, and what each ACTION of theirs needs."""

from __future__ import annotations

import abc
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import pydantic

from appliance.errors import AgentUnknownError, RequestError, RequiredBlankError, ValueInvalidError
from appliance.messages.parameter import Number, Text
from appliance.messages.request import Request

Needs = tuple[tuple[str, ...], ...]
"""Fields that must be given; of those in one tuple, one is enough."""

_ZERO = re.compile(r"[+-]?0+")


class Registration(Request, abc.ABC):
    """Request with an ACTION that decides what else is needed. Subclasses declare ``action`` in its own place."""

    needs: ClassVar[Mapping[str, Needs]] = {}
    """By ACTION in upper case."""
    usual_action: ClassVar[str] = ""
    """What is meant where no ACTION is given; it is required where this is blank."""
    made: ClassVar[tuple[str, ...]] = ()
    """Fields that ADD makes by itself. What an ACTION ignores is not even judged: these, and all of them by LIST."""
    ids: ClassVar[tuple[str, ...]] = ()
    """Fields that hold the number of something, of which 0 is none: it counts as not given."""

    @classmethod
    def judge_presence(cls, passed: Mapping[str, str]) -> None:
        """An ACTION that is none of the type's needs nothing: it is refused as such, later."""
        super().judge_presence(passed)
        action = passed.get("action", "").upper() or cls.usual_action
        for fields in cls.needs.get(action, ()):
            if not any(passed.get(field) for field in fields):
                raise RequiredBlankError(f"{' or '.join(cls._wire(field) for field in fields)} is required")

    def deed(self) -> str:
        """TYPE and ACTION."""
        return f"{self.wire_name()} {getattr(self, 'action', None) or self.usual_action}".rstrip()

    @classmethod
    def _passed(cls, values: Mapping[str, str]) -> dict[str, str]:
        passed = super()._passed(values)
        action = passed.get("action", "").upper()
        ignored = {"ADD": set(cls.made), "LIST": set(passed) - {"action"} if cls.made else set()}.get(action, set())
        return {f: raw for f, raw in passed.items() if f not in ignored and not (f in cls.ids and _ZERO.fullmatch(raw))}

    @classmethod
    def _wire(cls, field: str) -> str:
        return cls.parameters[field].name or field.upper()


def key(
    text: str,
    name: str,
    length: int,
    *,
    synonyms: tuple[str, ...] = (),
    required: bool = False,
    fault: type[RequestError] = ValueInvalidError,
) -> Text:
    """Declare a name by which something is found: never cut, and not passed when it is blank."""
    return Text(
        text,
        name=name,
        length=length,
        synonyms=synonyms,
        required=required,
        fault=fault,
        over_long="refuse",
        blank="is not passed",
    )


def kept(text: str, name: str, length: int, *, synonyms: tuple[str, ...] = ()) -> Text:
    """Declare data that the registry keeps: never cut, since it must be the same elsewhere; a blank value clears."""
    return Text(text, name=name, length=length, synonyms=synonyms, over_long="refuse")


def number(text: str, name: str, *, synonyms: tuple[str, ...] = ()) -> Number:
    """Declare the number of something; one that nothing has is judged when it is looked up."""
    return Number(text, name=name, synonyms=synonyms, lowest=-(2**31))


def facts(value: pydantic.BaseModel | None) -> dict[str, Any] | None:
    """Give what the audit keeps of it."""
    return None if value is None else value.model_dump(mode="json")


AgentId = Annotated[int | None, number("agent; 0 is none", "AGENTID", synonyms=("AGENT_ID",))]
GroupId = Annotated[int | None, number("group; 0 is none", "GROUPID", synonyms=("GROUPEID",))]
AgentFirstName = Annotated[
    str | None, key("first name", "FIRSTNAME", 20, synonyms=("FIRST_NAME",), fault=AgentUnknownError)
]
AgentLastName = Annotated[
    str | None, key("last name", "LASTNAME", 30, synonyms=("LAST_NAME",), fault=AgentUnknownError)
]
