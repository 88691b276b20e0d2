"""The same values give the same result by XML and by HTTP."""

from __future__ import annotations

import asyncio
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

from hypothesis import given
from hypothesis import strategies as st

from appliance.messages.catalog import catalog
from appliance.messages.dispatch import dispatch
from appliance.messages.origin import Origin, Port
from appliance.messages.printing import print_result
from appliance.messages.samples import sample_services
from appliance.webapi.query import read_values
from appliance.xmlapi.codec import decode

BOTH = {kind.wire_name(): kind for kind in catalog().values() if {Port.COMMANDS, Port.WEB} <= kind.ports}
NAMES = sorted({name for kind in BOTH.values() for name in kind.fields_by_name})
TEXT = st.one_of(
    st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=70),
    st.sampled_from(["", "Y", "n", "5551", "DESK5", "204", "-1", "101", "2147483648", " x ", "a&b<c>d"]),
)


@given(
    st.sampled_from(sorted(BOTH)),
    st.one_of(st.integers(-2, 2**31 + 1).map(str), TEXT),
    st.dictionaries(st.sampled_from(NAMES), TEXT, max_size=6),
    st.booleans(),
)
def test_xml_and_http_give_the_same_result(
    kind: str,
    request_id: str,
    parameters: dict[str, str],
    lower: bool,  # noqa: FBT001 - drawn
) -> None:
    values = {"TYPE": kind, "REQUESTID": request_id, **parameters}
    inner = "".join(f"<{n}>{escape(v)}</{n}>" for n, v in values.items())
    query = "&".join(f"{n.lower() if lower else n}={quote_plus(v)}" for n, v in values.items()).encode()
    by_xml = decode(f"<REQUEST>{inner}</REQUEST>".encode())
    assert read_values(query) == read_values(b"", query) == by_xml
    answers = [
        print_result(asyncio.run(dispatch(read, sample_services(), Origin(port, ""))))
        for read, port in ((by_xml, Port.COMMANDS), (read_values(query), Port.WEB))
    ]
    assert answers[0] == answers[1]
