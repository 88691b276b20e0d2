"""Find the line of each key in a TOML document, which :mod:`tomllib` does not keep.

The document must be valid TOML: this walks it again, and checks nothing.
"""

from __future__ import annotations

import re
from typing import final

Key = tuple[str | int, ...]
"""Where a value stands: names of tables and keys, and indices of arrays."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANK_OR_COMMA = re.compile(r"(?:[ \t\r\n,]|#[^\n]*)*")
_NAME = re.compile(r"""[ \t]*(?:"(?P<basic>(?:[^"\\]|\\.)*)"|'(?P<literal>[^']*)'|(?P<bare>[A-Za-z0-9_-]+))[ \t]*""")
_SCALAR = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}' + r"|'''.*?'{3,5}" + r'|"(?:[^"\\]|\\.)*"' + r"|'[^']*'" + r"|[^,\]}#\r\n]+", re.DOTALL
)


def locate(document: str) -> dict[Key, int]:
    """Give the line (from 1) of every table, key and array item."""
    return _Walk(document).lines


@final
class _Walk:
    def __init__(self, document: str) -> None:
        self._text = document
        self._at = 0
        self._tables: dict[Key, int] = {}  # arrays of tables -> how many so far
        self.lines: dict[Key, int] = {(): 1}
        self._document()

    def _document(self) -> None:
        table: Key = ()
        while self._skip(_BLANK) < len(self._text):
            if self._text.startswith("[", self._at):
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Key:
        repeated = self._text.startswith("[[", self._at)
        line = self._line()
        self._at += 2 if repeated else 1
        table: Key = ()
        names = self._names()
        for depth, name in enumerate(names):
            table = (*table, name)
            if repeated and depth == len(names) - 1:
                self._tables[table] = self._tables.get(table, 0) + 1
            if table in self._tables:
                self.lines.setdefault(table, line)
                table = (*table, self._tables[table] - 1)
            self.lines.setdefault(table, line)
        self._at += 2 if repeated else 1
        return table

    def _pair(self, table: Key) -> None:
        line = self._line()
        key = table
        for name in self._names():
            key = (*key, name)
            self.lines.setdefault(key, line)
        self._at += 1  # the equals sign
        self._value(key)

    def _value(self, key: Key) -> None:
        self._skip(_BLANK)
        opening = self._text[self._at]
        if opening not in "[{":
            self._skip(_SCALAR)
            return
        self._at += 1
        index = 0
        while self._text[self._skip(_BLANK_OR_COMMA)] not in "]}":
            if opening == "{":
                self._pair(key)
            else:
                self.lines[*key, index] = self._line()
                self._value((*key, index))
                index += 1
        self._at += 1

    def _names(self) -> list[str]:
        names: list[str] = []
        while True:
            found = _NAME.match(self._text, self._at)
            assert found is not None, f"no key at offset {self._at} of a valid document"
            names.append(next(part for part in found.groups() if part is not None))
            self._at = found.end()
            if not self._text.startswith(".", self._at):
                return names
            self._at += 1

    def _skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        return self._at

    def _line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1
