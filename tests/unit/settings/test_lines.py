"""Lines of keys in a TOML document."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.settings.describe import toml
from appliance.settings.lines import Key, locate

DOCUMENT = '''\
# a comment
a = 1
[box]
core_id = "x" # [not.a.table]
"quoted key".b = """
[not]
x = 1 ""\\"""
"""
[[taps]]
name = 'a'
options = [ # text, with a comma
  "a,]", {x = 1, y.z = [1,
  2]},
]
[[taps]]
name = 'b'
[taps.assign]
"1" = "device:5"
when = 2011-01-01 07:00:00
'''


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("a",), 2),
        (("box",), 3),
        (("box", "core_id"), 4),
        (("box", "quoted key", "b"), 5),
        (("taps", 0), 9),
        (("taps", 0, "name"), 10),
        (("taps", 0, "options", 0), 12),
        (("taps", 0, "options", 1, "y", "z", 1), 13),
        (("taps", 1), 15),
        (("taps", 1, "name"), 16),
        (("taps", 1, "assign", "1"), 18),
        (("taps", 1, "assign", "when"), 19),
    ],
)
def test_each_key_is_found_on_its_line(key: Key, line: int) -> None:
    assert locate(DOCUMENT)[key] == line


def test_text_within_a_string_is_no_key() -> None:
    assert not [key for key in locate(DOCUMENT) if "not" in key or "x" in key[:1]]


scalars = st.one_of(st.integers(), st.booleans(), st.text(st.characters(codec="utf-8", exclude_categories=["C"])))
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=8)
names = st.text("abcdefg", min_size=1, max_size=3)
tables = st.dictionaries(names, values, max_size=4)


@given(tables, st.lists(tables, max_size=3))
def test_every_key_of_any_document_is_found_on_the_line_it_was_written_on(
    first: dict[str, Any], many: list[dict[str, Any]]
) -> None:
    lines: list[str] = []
    told: dict[Key, int] = {}

    def put(text: str, key: Key) -> None:
        lines.append(text)
        told[key] = len(lines)

    put("[first]", ("first",))
    for name, value in first.items():
        put(f"{name} = {toml(value)}", ("first", name))
    for number, table in enumerate(many):
        put("[[many]]  # next", ("many", number))
        for name, value in table.items():
            put(f"'{name}' = {toml(value)}", ("many", number, name))
    document = "\n".join(lines)
    tomllib.loads(document)
    assert told.items() <= locate(document).items()
