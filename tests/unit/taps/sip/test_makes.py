"""What is read out of the shapes that makers send, and what bends further than they do."""

from __future__ import annotations

import pytest

from drivers.contract import Party
from drivers.taps.sip import Options
from drivers.taps.sip._message import Message
from drivers.taps.sip.siprec import Document, SiprecCall
from tests.wires.sip.makes import SHAPES, Shape, association, partial, whole

BASIC = {"device": ["agent-user"], "ani": ["caller-user"], "dnis": ["agent-user"]}


def call(shape: Shape, **given: object) -> SiprecCall:
    headers = "".join(f"{name}: {value}\r\n" for name, value in shape.headers.items())
    head = f"INVITE sip:srs@box SIP/2.0\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n{headers}Content-Type: {shape.kind}\r\n\r\n"
    message = Message.read((head + shape.body(4000)).encode())
    rules = {**BASIC, **{field: list(rules) for field, rules in shape.rules.items()}}
    made = SiprecCall(Options.model_validate({"name": "t", "kind": "sip", "metadata": rules, **given}), message)
    made.take(message.metadata, "1 INVITE", 0.0)
    return made


@pytest.mark.parametrize("name", SHAPES)
def test_names_numbers_and_legs_of_a_make(name: str) -> None:
    shape = SHAPES[name]
    made = call(shape)
    assert made.fields() == {"device": "5003", "ani": "4711", "dnis": "5003", **shape.told}
    assert (made.caller, made.agent) != (None, None)
    assert tuple(p.name for p in (made.caller, made.agent) if p) == shape.names
    assert made.parties == (Party.CALLER, Party.AGENT)


def test_who_placed_the_call_is_the_caller_whatever_comes_first() -> None:
    oracle = SHAPES["Oracle, Acme Packet"]
    turned = oracle.later.replace(">true<", ">?<").replace(">false<", ">true<").replace(">?<", ">false<")
    made = call(Shape(turned, rules={"call_direction": ["direction"]}))
    assert made.fields() == {"device": "4711", "ani": "5003", "dnis": "4711", "call_direction": "I"}
    assert made.parties == (Party.AGENT, Party.CALLER)


def test_a_call_that_the_agent_placed_went_out() -> None:
    oracle = SHAPES["Oracle, Acme Packet"]
    made = call(Shape(oracle.later, rules={"call_direction": ["direction"]}), agents=["4711"])
    assert made.fields() == {"device": "4711", "ani": "5003", "dnis": "4711", "call_direction": "O"}


def test_a_stream_pauses_when_its_sender_is_said_to_send_no_more() -> None:
    made = call(SHAPES["RFC 8068"])
    assert not made.is_paused("1")
    made.take(partial(association("Pa==", recv="Sb==")), "2 UPDATE", 1.0)
    assert (made.is_paused("1"), made.is_paused("2")) == (True, False)
    made.take(partial(association("Pb==", send="Sb==", left=True)), "3 UPDATE", 2.0)
    assert (made.is_paused("1"), made.is_paused("2")) == (True, True)
    made.take(partial(association("Pa==", send="Sa==")), "4 UPDATE", 3.0)
    assert (made.is_paused("1"), made.is_paused("2")) == (False, True)
    made.take(whole(), "5 INVITE", 4.0)
    assert (made.is_paused("1"), made.is_paused("2")) == (False, False)


def test_a_document_that_is_silent_about_the_streams_pauses_none() -> None:
    made = call(SHAPES["RFC 8068"])
    made.take(whole(associations=False), "2 INVITE", 1.0)
    made.take(partial('<participantstreamassoc participant_id="Pa=="/>'), "3 UPDATE", 2.0)
    assert not made.is_paused("1")


def test_a_sender_who_is_replaced_pauses_nothing() -> None:
    made = call(SHAPES["RFC 8068"])
    other = '<participant participant_id="Pc=="><nameID aor="sip:5009@pbx.test"/></participant>'
    moved = [other, association("Pb==", send="Sb==", left=True), association("Pc==", send="Sb==", recv="Sa==")]
    made.take(partial(*moved), "2 UPDATE", 1.0)
    assert not made.is_paused("2")


@pytest.mark.parametrize(
    ("bent", "people"),
    [
        (whole().replace('"', ""), 2),
        (whole().replace("Cora Caller", "Cora & Caller"), 2),
        (whole().replace("</participant>", ""), 2),
        (whole().replace("<name ", "<n:name ").replace("</name>", "</n:name>"), 2),
        (whole().replace("Cora Caller", "<![CDATA[Cora Caller]]>").replace("</group>", ""), 2),
        (whole().encode().decode("latin-1").replace("Cora", "C\x00ora"), 2),
    ],
    ids=["no quotes", "bare &", "open tags", "a prefix that nobody declared", "CDATA", "a control character"],
)
def test_what_is_no_xml_is_read_all_the_same(bent: str, people: int) -> None:
    read = Document.read(bent)
    assert read.fault
    made = call(Shape(bent))
    assert len(made.facts()["siprec"]["participants"]) == people
    assert made.fields()["device"] == "5003"


@pytest.mark.parametrize(
    "hostile",
    [
        "<a>" * 20_000,
        "<a " * 20_000,
        "<a b='" * 10_000,
        "<!--" * 15_000,
        "<a>&amp;" * 8000,
        "<![CDATA[" * 7000,
        "</a>" * 9000,
    ],
)
@pytest.mark.timeout(20)  # what grows with the square of the length takes minutes
def test_no_document_takes_long(hostile: str) -> None:
    call(Shape("<recording>" + hostile)).fields()
