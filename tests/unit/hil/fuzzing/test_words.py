from __future__ import annotations

import random
import re

from appliance.messages.catalog import catalog
from appliance.messages.parameter import Choice
from appliance.webapi.query import read_values
from hil.fuzzing.words import QUERY, WAYS, WHOLE, dictionary, message, seeds


def test_the_dictionary_knows_every_type_parameter_and_word() -> None:
    words = dictionary()
    for name, kind in catalog().items():
        assert f'"{name}"\n' in words
        assert all(f'"<{parameter}>"\n' in words for parameter in kind.fields_by_name)
        choices = [one for one in kind.parameters.values() if isinstance(one, Choice)]
        assert all(f'"{word}"\n' in words for one in choices for word in one.words)


def test_every_type_is_among_the_seeds_in_both_syntaxes() -> None:
    found = list(seeds())
    assert {octets[0] for octets in found} <= set(range(WAYS))
    types = {kind.wire_name() for kind in catalog().values()}
    by_xml = {name for octets in found if octets[0] == WHOLE for name in re.findall(rb"<TYPE>(\w+)</TYPE>", octets)}
    assert types <= {name.decode() for name in by_xml}
    assert types <= {read_values(octets[1:]).get("TYPE") for octets in found if octets[0] == QUERY}


def test_made_up_messages_are_of_declared_types() -> None:
    draw = random.Random(5)
    types = [read_values(message(draw, QUERY))["TYPE"] for _ in range(300)]
    assert set(types) <= set(catalog())
    assert len(set(types)) > 20
