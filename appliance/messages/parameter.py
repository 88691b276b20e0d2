"""Kinds of parameter: how one value of a request is declared, read and judged.

A parameter stands in the annotation of a field, ``gate: Annotated[str | None, Text("ACD gate", length=20)] = None``.
Its wire name is the field's in upper case unless ``name`` says otherwise. Reading raises the error whose code the
contract gives to that fault; pydantic reads fields in their order, so the first fault of a request answers it.
"""

from __future__ import annotations

import abc
import dataclasses
import logging
import re
from typing import Any, Literal, final

import pydantic
from pydantic_core import core_schema

from appliance.errors import RequestError, ValueInvalidError

logger = logging.getLogger(__name__)

INT32_MAX = 2**31 - 1
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """Circumstances of reading one request."""

    request_type: str
    peer: str
    strict_lengths: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(abc.ABC):
    """What all parameters declare. ``fault`` is raised for a value that cannot be used."""

    text: str = dataclasses.field(kw_only=False)
    name: str = ""
    synonyms: tuple[str, ...] = ()
    required: bool = False  # absent or blank is 26, unless the message judges it itself
    fault: type[RequestError] = ValueInvalidError

    @abc.abstractmethod
    def read(self, raw: str, reading: Reading, name: str) -> Any:
        """Give the value; None stands for "not passed". Raises :attr:`fault`."""

    @property
    @abc.abstractmethod
    def limits(self) -> str:
        """What the value may be, for the reference."""

    @property
    def can_fail(self) -> bool:
        """Whether there are values that :attr:`fault` answers."""
        return True

    def __get_pydantic_core_schema__(
        self, source: Any, handler: pydantic.GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(self._validate)

    def _validate(self, raw: Any, info: core_schema.ValidationInfo) -> Any:
        circumstances: Any = info.context
        return self.read(raw, circumstances, info.field_name or "")

    def _refuse(self, name: str, what: str) -> RequestError:
        return self.fault(f"{self.name or name.upper()} {what}") if self.fault is ValueInvalidError else self.fault()


@final
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Text(Parameter):
    """Text of at most ``length`` characters.

    Descriptive data is cut when it is longer (refused with 11 under ``strict_lengths``), and a blank value clears.
    A name that something is found by is never cut but refused with :attr:`fault`, and a blank one is not passed.
    """

    length: int
    over_long: Literal["cut", "refuse"] = "cut"
    blank: Literal["clears", "is not passed"] = "clears"

    def read(self, raw: str, reading: Reading, name: str) -> str | None:
        """Give the text, cut where that is allowed."""
        if len(raw) > self.length:
            return self._shorten(raw, reading, name)
        return None if not raw and self.blank == "is not passed" else raw

    def _shorten(self, raw: str, reading: Reading, name: str) -> str:
        if self.over_long == "refuse":
            raise self._refuse(name, f"is longer than {self.length} characters")
        if reading.strict_lengths:
            raise ValueInvalidError(f"{self.name or name.upper()} is longer than {self.length} characters")
        logger.info(
            "value cut: %s of %s from %s had %d characters, kept %d",
            *(self.name or name.upper(), reading.request_type, reading.peer, len(raw), self.length),
        )
        return raw[: self.length].rstrip()

    @property
    def limits(self) -> str:
        """Length, and what happens past it."""
        return f"text, {self.length}; longer is {'cut' if self.over_long == 'cut' else 'refused'}"

    @property
    def can_fail(self) -> bool:
        """Whether a longer one is refused."""
        return self.over_long == "refuse"


@final
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Number(Parameter):
    """A decimal integer from ``lowest`` to ``highest``; blank is not passed."""

    lowest: int = 0
    highest: int = INT32_MAX

    def read(self, raw: str, reading: Reading, name: str) -> int | None:  # noqa: ARG002 - one signature for all kinds
        """Give the integer."""
        if not raw:
            return None
        if not _INTEGER.fullmatch(raw) or not self.lowest <= int(raw) <= self.highest:
            raise self._refuse(name, f"is not an integer from {self.lowest} to {self.highest}")
        return int(raw)

    @property
    def limits(self) -> str:
        """Range."""
        return f"integer, {self.lowest} to {self.highest}"


@final
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Flag(Parameter):
    """Y or N in any letter case; blank is not passed."""

    def read(self, raw: str, reading: Reading, name: str) -> bool | None:  # noqa: ARG002 - one signature for all kinds
        """Give whether it is Y."""
        if not raw:
            return None
        if raw.upper() not in {"Y", "N"}:
            raise self._refuse(name, "is neither Y nor N")
        return raw.upper() == "Y"

    @property
    def limits(self) -> str:
        """Both values."""
        return "Y or N"


@final
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Parameter):
    """One of some words in any letter case, given in upper case; blank is not passed.

    With ``otherwise`` any other word is taken for that one instead of being refused.
    """

    words: tuple[str, ...]
    otherwise: str = ""

    def read(self, raw: str, reading: Reading, name: str) -> str | None:  # noqa: ARG002 - one signature for all kinds
        """Give the word."""
        if not raw:
            return None
        if raw.upper() in self.words:
            return raw.upper()
        if not self.otherwise:
            raise self._refuse(name, f"is none of {', '.join(self.words)}")
        return self.otherwise

    @property
    def limits(self) -> str:
        """The words."""
        others = f"; anything else is {self.otherwise}" if self.otherwise else ""
        return f"one of {', '.join(self.words)}{others}"

    @property
    def can_fail(self) -> bool:
        """Whether other words are refused."""
        return not self.otherwise
