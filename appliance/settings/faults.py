"""Say what is wrong with a settings file: one line a fault, ``file:line: key: what is wrong``."""

from __future__ import annotations

import dataclasses
import difflib
import re
import typing
from collections.abc import Iterable, Mapping
from typing import Any, final

import pydantic
import pydantic_core

from appliance.settings.lines import Key

_SUBJECT = re.compile(r"^(Input|String|Value|List|Tuple|Dictionary) ")
_WORDS = (
    (re.compile(r"a valid (tuple|list)\b"), "an array"),
    (re.compile(r"a valid dictionary( or instance of \w+)?"), "a table"),
    (re.compile(r"a valid string"), "text in quotes"),
    (re.compile(r"is not a valid path for <class '.*'>"), "should be a path in quotes"),
    (re.compile(r"(\d+) item(s?) after validation, not (\d+)"), r"\1 item\2, not \3"),
)
"""What pydantic says, and what whoever writes TOML understands."""


@final
@dataclasses.dataclass(slots=True)
class Faults:
    """Collects the faults of one file; ``lines`` tells where its keys stand."""

    source: str
    lines: Mapping[Key, int]
    _found: list[tuple[int, str]] = dataclasses.field(default_factory=list)

    def add(self, key: Key, text: str) -> None:
        """Note a fault of the value at ``key``; a missing one has the line of the table that should hold it."""
        self.add_at(self._line(key), f"{_dotted(key)}: {text}")

    def add_at(self, line: int, text: str) -> None:
        """Note a fault of a line that holds no readable key."""
        self._found.append((line, text))

    def told(self) -> list[str]:
        """Give every fault once, by line."""
        return list(dict.fromkeys(f"{self.source}:{line}: {text}" for line, text in sorted(self._found)))

    def _line(self, key: Key) -> int:
        while key not in self.lines:
            key = key[:-1]
        return self.lines[key]


def explain(detail: pydantic_core.ErrorDetails, model: type[pydantic.BaseModel], values: object) -> tuple[Key, str]:
    """Turn one of pydantic's errors about ``values``, read into ``model``, into a key and a text."""
    key = detail["loc"]
    match detail["type"]:
        case "extra_forbidden":
            return key, unknown(str(key[-1]), _names(model, key[:-1]))
        case "missing":
            return key, "is required"
        case "value_error":
            return _real(key, values), str(detail["ctx"]["error"])
        case _:
            given = detail["input"]
            text = _SUBJECT.sub("", detail["msg"])
            for words, plainly in _WORDS:
                text = words.sub(plainly, text)
            return _real(key, values), text if isinstance(given, dict | list) else f"{text} (got {given!r})"


def unknown(name: str, names: Iterable[str], what: str = "key") -> str:
    """Say that ``name`` is no key, and which one may have been meant."""
    there = list(names)
    near = difflib.get_close_matches(name, there, n=1, cutoff=0.6)
    return f"unknown {what}; did you mean {near[0]}?" if near else f"unknown {what}; there are {', '.join(there)}"


def _real(key: Key, values: Any) -> Key:
    """Leave out the end of ``key`` that is no key of the file: which member of a union pydantic tried."""
    for depth, part in enumerate(key):
        try:
            values = values[part]
        except (LookupError, TypeError):
            return key[:depth]
    return key


def _names(model: type[pydantic.BaseModel], loc: Key) -> list[str]:
    """Keys that a table may have; ``loc`` leads from the model to it."""
    found: Any = model
    for part in loc:
        found = found.model_fields[part].annotation if isinstance(part, str) else typing.get_args(found)[0]
    return list(found.model_fields)


def _dotted(key: Key) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).removeprefix(".")
