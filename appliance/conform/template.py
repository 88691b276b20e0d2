r"""Expected documents with placeholders for what a box chooses.

``{number}`` and the other kinds stand for any value of their form, ``{number:agent}`` keeps the value as ``{agent}``
for what follows, and ``{rest}`` on a line of its own stands for any number of lines, none included. Texts are octets
read as Latin-1, so that each octet is compared; a line end of a template is CR LF on the wire.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Final, final

KINDS: Final[Mapping[str, str]] = {
    "number": r"-?\d+",
    "decimal": r"\d+\.\d+",
    "cores": r"\d+(?:,\d+)*",
    "flag": "[YN]",
    "time": r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d:\d\d [AP]M",
    "text": r"[^<\r\n]*",
    "some": r"[^<\r\n]+",
}
GIVEN: Final = ("run", "device", "alias")
"""Names that every case begins with: texts of this run alone, so that cases do not meet the box's own data."""
REST: Final = "{rest}"
_REST_LINES: Final = r"(?:[^\n]*\n)*"
_HOLE: Final = re.compile(r"\{([a-z][a-z0-9_]*)(?::([a-z][a-z0-9_]*))?\}")


class UnboundError(Exception):
    """A request names a value that no answer gave."""


def names_used(text: str) -> set[str]:
    """Give the names of values that the text needs."""
    kept = names_kept(text)
    used = {hole[1] for hole in _HOLE.finditer(text) if not hole[2]}
    return used - KINDS.keys() - kept - {"rest"}


def names_kept(text: str) -> set[str]:
    """Give the names under which the text keeps values."""
    return {hole[2] for hole in _HOLE.finditer(text) if hole[2]}


def kinds_used(text: str) -> set[str]:
    """Give the kinds of the values that the text keeps."""
    return {hole[1] for hole in _HOLE.finditer(text) if hole[2]}


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values into a request. Raises UnboundError."""
    missing = names_used(text) - values.keys()
    if missing:
        raise UnboundError(", ".join(sorted(missing)))
    return fill_known(text, values)


def fill_known(text: str, values: Mapping[str, str]) -> str:
    """Put the values in that are known, and leave the rest as it is written."""
    return _HOLE.sub(lambda hole: values.get(hole[1], hole[0]), text)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Template:
    """An expected document, with the values that are known when it is looked for."""

    lines: tuple[str, ...]
    values: Mapping[str, str]

    @classmethod
    def of(cls, text: str, values: Mapping[str, str]) -> Template:
        """Read a text; its line ends are LF."""
        octets = text.encode().decode("latin-1")
        return cls(tuple(f"{line}\r\n" for line in octets.removesuffix("\n").split("\n")), values)

    def match(self, octets: bytes) -> dict[str, str] | None:
        """Compare; gives the values that were kept, or None where anything differs."""
        kept: set[str] = set()
        pattern = "".join(self._pattern(line, kept) for line in self.lines)
        found = re.fullmatch(pattern, octets.decode("latin-1"))
        return None if found is None else found.groupdict()

    def line(self, at: int) -> re.Pattern[str]:
        """What the template's line ``at`` could be, looked at by itself."""
        return re.compile(self._pattern(self.lines[at], None))

    def is_rest(self, at: int) -> bool:
        """Whether the line stands for any number of lines."""
        return self.lines[at].strip() == REST

    def shown(self, at: int) -> str:
        """The line as it would be, as far as that is known."""
        return fill_known(self.lines[at], self.values)

    def _pattern(self, line: str, kept: set[str] | None) -> str:
        if line.strip() == REST:
            return _REST_LINES
        return "".join(self._parts(line, kept))

    def _parts(self, line: str, kept: set[str] | None) -> Iterator[str]:
        """Write the line as a pattern; ``kept`` are the names kept so far, None to keep nothing."""
        at = 0
        for hole in _HOLE.finditer(line):
            yield re.escape(line[at : hole.start()])
            at = hole.end()
            kind, name = hole[1], hole[2]
            if name and kept is not None and name not in kept:
                kept.add(name)
                yield f"(?P<{name}>{KINDS[kind]})"
            elif kind in KINDS:
                yield KINDS[kind]
            elif kept and kind in kept:
                yield f"(?P={kind})"
            else:
                yield re.escape(self.values[kind]) if kind in self.values else KINDS["text"]
        yield re.escape(line[at:])
