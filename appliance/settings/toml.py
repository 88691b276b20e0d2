"""Read TOML, and go on behind a line that is none, so that the faults of the other lines are found too."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path
from typing import Any, final

from appliance.errors import SettingsError

_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")
_KEY = re.compile(r"""[ \t]*[A-Za-z0-9_."'-]+[ \t]*""")


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """What could be read. ``document`` is the text without the lines that ``faults`` (line, text) tell of."""

    document: str
    values: dict[str, Any]
    faults: tuple[tuple[int, str], ...]


def text_of(path: Path) -> str:
    """Read a file's text. Raises :class:`~appliance.errors.SettingsError` where it cannot be read, or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError([f"{path}:1: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SettingsError([f"{path}:{line}: is not UTF-8"]) from error


def read(document: str) -> Document:
    """Read a document; a line with a key that is no TOML is told and left out.

    After any other fault (a header, a string without an end) nothing behind it could be trusted: the values are
    empty then.
    """
    faults: list[tuple[int, str]] = []
    while True:
        try:
            return Document(document, tomllib.loads(document), tuple(faults))
        except tomllib.TOMLDecodeError as error:
            line, text = _place(str(error), document)
            faults.append((line, text))
            lines = document.splitlines(keepends=True)
            if line > len(lines) or not _KEY.match(lines[line - 1]):
                return Document("", {}, tuple(faults))
            lines[line - 1] = "\n"
            document = "".join(lines)


def _place(message: str, document: str) -> tuple[int, str]:
    found = _PLACE.search(message)
    if found is None:
        return 1, message
    text = message[: found.start()]
    line = int(found["line"]) if found["line"] else max(1, len(document.splitlines()))
    return line, f"is no TOML: {text[:1].lower()}{text[1:]}"
