"""Requests drawn from the declarations of the message types, so that a new type is tested without a word here."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from hypothesis import strategies as st

from appliance.messages.catalog import catalog
from appliance.messages.parameter import Choice, Flag, Number, Parameter, Text
from appliance.messages.request import Request

KINDS = tuple(dict.fromkeys(catalog().values()))
KNOWN = ("5551", "5552", "DESK5", "mreed", "m_reed", "FRONTDESK", "7", "3", "2", "204", "Mara", "Reed", "user2")
"""Values that mean something to the sample services, so that not everything ends in an error."""
LETTERS = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
WIRE_TEXT = st.text(LETTERS, max_size=300).map(str.strip)
ODD = st.sampled_from(("", "Y", "n", "-1", "0", "2147483648", "a&b<c>d", "]]>", "&amp;", "é€", "+%20"))
REQUEST_IDS = st.one_of(st.integers(-2, 2**31 + 1).map(str), st.sampled_from(("7", "007", "", "x", "1.5")))


def values_of(kind: type[Request]) -> st.SearchStrategy[dict[str, str]]:
    """Draw values by wire name: each parameter absent, by its name or by a synonym, plain, blank or odd."""
    fields = [_named_value(kind, field) for field in kind.parameters]
    drawn: st.SearchStrategy[Iterable[dict[str, str]]] = st.tuples(*fields)
    return drawn.map(lambda found: dict(itertools.chain.from_iterable(one.items() for one in found)))


def _named_value(kind: type[Request], field: str) -> st.SearchStrategy[dict[str, str]]:
    parameter = kind.parameters[field]
    names = st.sampled_from(names_of(field, parameter))
    value = st.one_of(st.sampled_from(samples_of(kind, field)), plain(parameter), ODD)
    return st.one_of(st.just({}), st.builds(lambda name, text: {name: text}, names, value))


def names_of(field: str, parameter: Parameter) -> tuple[str, ...]:
    """Give the parameter's own name, then its synonyms."""
    return (parameter.name or field.upper(), *parameter.synonyms)


def samples_of(kind: type[Request], field: str) -> tuple[str, ...]:
    """Give values of the reference's samples, and such as the sample services know."""
    names = names_of(field, kind.parameters[field])
    return (*(text for sample in kind.samples for name, text in sample.items() if name in names), *KNOWN)


def plain(parameter: Parameter) -> st.SearchStrategy[str]:
    """Draw a value of the parameter's kind, within its limits or a little past them."""
    match parameter:
        case Text(length=length):
            return st.text(LETTERS, max_size=length + 2).map(str.strip)
        case Number(lowest=lowest, highest=highest):
            return st.one_of(st.integers(lowest - 2, highest + 2), st.integers(lowest, lowest + 9)).map(str)
        case Flag():
            return st.sampled_from("YNyn")
        case Choice(words=words):
            return st.sampled_from(words).flatmap(lambda word: st.sampled_from((word, word.lower(), word.title())))
        case _:
            return WIRE_TEXT
