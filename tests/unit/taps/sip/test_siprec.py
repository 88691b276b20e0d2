from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.contract import Party
from drivers.taps.sip import Options
from drivers.taps.sip._message import Message
from drivers.taps.sip.siprec import Document, Metadata, SiprecCall
from tests.wires.sip.metadata import document

SDP = "v=0\r\nm=audio 4000 RTP/AVP 0\r\na=label:1\r\nm=audio 4002 RTP/AVP 0\r\na=label:2\r\n"
INVITE = (
    "INVITE sip:srs@box SIP/2.0\r\nFrom: <sip:src@sbc>;tag=1\r\nTo: <sip:srs@box>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
    'X-Queue: billing\r\nContent-Type: multipart/mixed; boundary="b 1"\r\n\r\n'
    f"--b 1\r\nContent-Type: application/sdp\r\n\r\n{SDP}\r\n"
    "--b 1\r\nContent-type: Application/RS-Metadata+XML\r\nContent-Disposition: recording-session\r\n\r\n"
    "%s\r\n--b 1--\r\n"
)

# As a gateway by another maker writes it: plain ids, names of its own, the streams within the participants.
DRAFT = """\
<?xml version="1.0" encoding="UTF-16"?>
<rec:recording xmlns:rec="urn:ietf:params:xml:ns:recording">
 <rec:dataMode>complete</rec:dataMode>
 <rec:session id="s1"><rec:start-time>2026-01-01T00:00:00Z</rec:start-time></rec:session>
 <rec:participant id="p1" session="s1"><rec:nameID aor="tel:+4989123"/><rec:send>t1</rec:send></rec:participant>
 <rec:participant id="p2" session="s1"><rec:aor>5003@pbx</rec:aor><rec:name>Ann</rec:name><rec:send>t2</rec:send>
 </rec:participant>
 <rec:stream id="t1" session="s1"><rec:mode>separate</rec:mode><rec:label>1</rec:label></rec:stream>
 <rec:stream id="t2" session="s1"><rec:label>2</rec:label></rec:stream>
</rec:recording>
"""


def call(text: str, **given: Any) -> SiprecCall:
    message = Message.read((INVITE % text).encode())
    made = SiprecCall(Options(name="t", kind="sip", **given), message)
    made.take(message.metadata, "1 INVITE", 0.0)
    return made


def test_the_metadata_beside_the_sdp() -> None:
    assert Message.read((INVITE % document()).encode()).metadata.strip() == document().strip().replace("\r\n", "\n")
    assert Message.read((INVITE % document()).encode()).labels() == ["1", "2"]


def test_the_metadata_alone_and_none_at_all() -> None:
    head = "INFO sip:a@b SIP/2.0\r\nc: application/rs-metadata\r\n\r\n<recording/>"
    assert Message.read(head.encode()).metadata == "<recording/>"
    assert Message.read(b"INVITE sip:a@b SIP/2.0\r\nContent-Type: application/sdp\r\n\r\nv=0").metadata == ""


def test_fields_come_by_the_mapping() -> None:
    mapping = {
        "device": ["agent-user"],
        "ani": ["caller-user"],
        "user1": ["element:ucid"],
        "user2": ["element:header/x-queue"],
        "user3": ["header:X-Queue"],
        "user4": ["element:nothing", "agent-name"],
        "user5": ["element:nothing"],
        "user6": ["caller-aor"],
    }
    assert call(document(), metadata=mapping).fields() == {
        "device": "5003",
        "ani": "4711",
        "user1": "00042",
        "user2": "sales",
        "user3": "billing",
        "user4": "Agent",
        "user6": "sip:4711@pbx.test",
    }


def test_labels_say_whose_stream_it_is() -> None:
    assert call(document()).fields()["device"] == "5003"
    turned = call(document(caller="2", agent="1"))  # the first stream is the caller's as far as nobody says else
    assert turned.fields()["device"] == "4711"
    told = call(document(caller="2", agent="1"), agents=["50*"])
    assert told.fields() == {"device": "5003", "ani": "4711", "dnis": "5003"}
    assert told.parties == (Party.AGENT, Party.CALLER)
    assert call(document(caller="2", agent="1"), devices=["50*"]).parties == (Party.AGENT, Party.CALLER)
    assert call(document(), agents=["sip:5003@*"]).parties == (Party.CALLER, Party.AGENT)


def test_a_document_of_a_draft() -> None:
    fields = call(DRAFT).fields()
    assert fields == {"device": "5003", "ani": "+4989123", "dnis": "5003"}
    agent = call(DRAFT).agent
    assert agent is not None
    assert agent.name == "Ann"


def test_a_partial_document_changes_what_it_names() -> None:
    made = call(document())
    moved = "<participant participant_id='P2'><nameID aor='sip:5009@pbx.test'/></participant>"
    made.take(f"<recording><datamode>partial</datamode>{moved}</recording>", "2 UPDATE", 1.0)
    assert made.fields() == {"device": "5009", "ani": "4711", "dnis": "5009"}
    assert made.agent is not None
    assert made.agent.name == "Agent"
    gone = (
        "<participantstreamassoc participant_id='P2'><disassociate-time>x</disassociate-time></participantstreamassoc>"
    )
    made.take(f"<recording><datamode>partial</datamode>{gone}</recording>", "3 UPDATE", 2.0)
    assert len(made.facts()["siprec"]["participants"]) == 2
    assert [kept.by for kept in made.documents] == ["1 INVITE", "2 UPDATE", "3 UPDATE"]


def test_a_repeated_request_is_taken_once() -> None:
    made = call(document())
    made.take(document("b"), "2 INFO", 1.0)
    made.take(document("c"), "2 INFO", 2.0)
    assert len(made.documents) == 2


@pytest.mark.parametrize(
    ("text", "fault", "people"),
    [
        (document(), "", 2),
        ("\ufeff\r\n" + document(), "", 2),
        (document()[:-40], "unclosed", 2),
        (document().replace(' xmlns:pbx="http://pbx.test/"', ""), "unbound prefix", 2),
        (document().partition("<stream ")[0], "no element found", 2),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "DOCTYPE", 0),
        ("no xml", "", 0),
        ("", "", 0),
    ],
)
def test_bent_documents_are_read_as_far_as_they_go(text: str, fault: str, people: int) -> None:
    read = Document.read(text)
    assert fault in read.fault
    metadata = Metadata()
    metadata.take(read)
    assert len(metadata.participants) == people


@given(st.text(alphabet="<>/=\"' abparticipantstream_id\x00&;!-", max_size=200))
def test_no_document_raises(text: str) -> None:
    call(text.replace("%", "")).fields()


def test_there_is_an_end_to_what_is_kept() -> None:
    made = call(document())
    for number in range(2, 200):
        made.take(document(padding=10), f"{number} INFO", 0.0)
    assert len(made.documents) == 100
