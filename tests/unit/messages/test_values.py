"""How values of every message type are read: names, synonyms, lengths, blank and absent ones, defaults."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import RequestError
from appliance.messages.envelope import Envelope
from appliance.messages.parameter import Choice, Flag, Number, Parameter, Reading, Text
from appliance.messages.request import Request
from tests.unit.messages.drawn import KINDS, LETTERS, names_of, values_of

FIELDS = [(kind, field) for kind in KINDS for field in kind.parameters]
IDS = [f"{kind.wire_name()}.{field}" for kind, field in FIELDS]
NAMES = [kind.wire_name() for kind in KINDS]


def all_of(kind: type[Parameter]) -> list[Any]:
    found = [
        (owner, field, parameter)
        for owner in KINDS
        for field, parameter in owner.parameters.items()
        if isinstance(parameter, kind)
    ]
    return [pytest.param(*one, id=f"{one[0].wire_name()}.{one[1]}") for one in found]


def read(kind: type[Request], values: dict[str, str], *, strict: bool = False) -> dict[str, Any] | int:
    """Give the fields that were passed, or the code of the fault. Presence is judged elsewhere."""
    envelope = Envelope.read({"TYPE": kind.wire_name(), "REQUESTID": "1"})
    passed = {field: text for field, text in kind._passed(values).items()}  # noqa: C416 - a copy
    try:
        told = kind.model_validate(
            {**passed, "envelope": envelope}, context=Reading(kind.wire_name(), "peer", strict_lengths=strict)
        )
    except RequestError as error:
        return int(error.code)
    return {field: getattr(told, field) for field in told.model_fields_set - {"envelope"}}


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=IDS)
def test_every_synonym_means_the_same_and_the_own_name_counts_first(kind: type[Request], field: str) -> None:
    parameter = kind.parameters[field]
    own, *others = names_of(field, parameter)
    value, other = _good_values(parameter)
    for synonym in others:
        assert read(kind, {synonym: value}) == read(kind, {own: value})
        assert read(kind, {synonym: other, own: value}) == read(kind, {own: value})
        assert read(kind, {synonym: value, own: ""}) == read(kind, {own: value})


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_no_name_means_two_parameters(kind: type[Request]) -> None:
    names = [name for field, parameter in kind.parameters.items() for name in names_of(field, parameter)]
    assert len(names) == len(set(names))
    assert not {"TYPE", "REQUESTID"} & set(names)


@pytest.mark.parametrize(("kind", "field", "parameter"), all_of(Text))
def test_text_is_kept_up_to_its_length_and_then_cut_or_refused(
    kind: type[Request], field: str, parameter: Text
) -> None:
    name = names_of(field, parameter)[0]
    text = (string.ascii_letters * (parameter.length // 52 + 1))[: parameter.length]
    assert read(kind, {name: text}) == {field: text}
    longer = read(kind, {name: text + "x"})
    assert longer == (int(parameter.fault.code) if parameter.over_long == "refuse" else {field: text})
    strictly = read(kind, {name: text + "x"}, strict=True)
    assert strictly == (int(parameter.fault.code) if parameter.over_long == "refuse" else 11)


@pytest.mark.parametrize(("kind", "field", "parameter"), all_of(Text))
def test_blank_text_clears_where_it_is_data_and_is_not_passed_where_it_is_a_name(
    kind: type[Request], field: str, parameter: Text
) -> None:
    cleared = "" if parameter.blank == "clears" else None
    assert read(kind, {names_of(field, parameter)[0]: ""}) == {field: cleared}
    assert read(kind, {}) == {}


@pytest.mark.parametrize(("kind", "field", "parameter"), all_of(Number))
def test_numbers_are_read_within_their_range_alone(kind: type[Request], field: str, parameter: Number) -> None:
    name, fault = names_of(field, parameter)[0], int(parameter.fault.code)
    for number in (parameter.lowest, parameter.lowest + 1, parameter.highest):
        assert read(kind, {name: str(number)}) == {field: number}
    for text in (str(parameter.lowest - 1), str(parameter.highest + 1), "1.5", "x", "1 2", "0x1", "１"):
        assert read(kind, {name: text}) == fault
    assert read(kind, {name: ""}) == {field: None}


@pytest.mark.parametrize(("kind", "field", "parameter"), all_of(Flag))
def test_flags_are_y_or_n_in_any_letter_case(kind: type[Request], field: str, parameter: Flag) -> None:
    name = names_of(field, parameter)[0]
    assert [read(kind, {name: text}) for text in "YyNn"] == [{field: True}] * 2 + [{field: False}] * 2
    assert [read(kind, {name: text}) for text in ("1", "yes", "YN")] == [int(parameter.fault.code)] * 3
    assert read(kind, {name: ""}) == {field: None}


@pytest.mark.parametrize(("kind", "field", "parameter"), all_of(Choice))
def test_words_are_read_in_any_letter_case_and_others_refused_or_taken_for_one(
    kind: type[Request], field: str, parameter: Choice
) -> None:
    name = names_of(field, parameter)[0]
    for word in parameter.words:
        assert read(kind, {name: word}) == read(kind, {name: word.lower()}) == {field: word}
    other = {field: parameter.otherwise} if parameter.otherwise else int(parameter.fault.code)
    assert read(kind, {name: "no such word"}) == other
    assert read(kind, {name: ""}) == {field: None}


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_what_is_absent_is_not_passed_and_unknown_names_change_nothing(kind: type[Request]) -> None:
    @settings(max_examples=25)
    @given(values_of(kind), st.text(LETTERS, max_size=20))
    def holds(values: dict[str, str], text: str) -> None:
        told = read(kind, values)
        assert read(kind, values | {"NO_SUCH_PARAMETER": text}) == told
        if isinstance(told, dict):
            assert set(told) <= {field for field in kind.parameters if set(values) & set(_names(kind, field))}

    holds()


def _names(kind: type[Request], field: str) -> tuple[str, ...]:
    return names_of(field, kind.parameters[field])


def _good_values(parameter: Parameter) -> tuple[str, str]:
    match parameter:
        case Text():
            return "a", "b"
        case Number(lowest=lowest):
            return str(lowest), str(lowest + 1)
        case Flag():
            return "Y", "N"
        case Choice(words=words):
            return words[0], words[-1]
        case _:
            return "a@example.com", "b@example.com"
