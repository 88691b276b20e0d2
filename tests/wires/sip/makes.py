"""INVITEs in the shapes that makers' session border controllers and call servers are publicly known to send.

The messages are our own; what is a maker's is the order of parts, the draft of the metadata, its extensions and its
headers. Every shape tells of the same call: 4711 (Cora Caller) calls 5003 (Abel Agent).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import final

_BOUNDARY = "a-part-of-it"


@final
@dataclasses.dataclass(frozen=True)
class Shape:
    """``metadata`` as it stands in the INVITE; ``later`` comes by a re-INVITE, with the second stream of some."""

    metadata: str
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    labels: Sequence[str] = ("1", "2")
    rules: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    told: Mapping[str, str] = dataclasses.field(default_factory=dict)
    names: tuple[str, str] = ("Cora Caller", "Abel Agent")
    metadata_first: bool = False
    part_headers: tuple[str, str] = (
        "Content-Type: application/sdp",
        "Content-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session",
    )
    later: str = ""

    def body(self, rtp_port: int, *, padding: int = 0) -> str:
        """SDP and metadata as parts."""
        metadata = self.metadata.replace("\n</", f"\n<!--{'.' * padding}--></", 1) if padding else self.metadata
        parts = list(zip(self.part_headers, (sdp(rtp_port, self.labels), metadata), strict=True))
        if self.metadata_first:
            parts.reverse()
        lines = [f"--{_BOUNDARY}\r\n{head}\r\n\r\n{content}\r\n" for head, content in parts]
        return "".join(lines) + f"--{_BOUNDARY}--\r\n"

    @property
    def kind(self) -> str:
        """Value of Content-Type."""
        return f"multipart/mixed;boundary={_BOUNDARY}"


def sdp(rtp_port: int, labels: Sequence[str]) -> str:
    """Offer of streams as such devices write it: events beside G.711, and the attributes of their media engines."""
    lines = ["v=0", "o=SBC 2718 1 IN IP4 127.0.0.1", "s=SIP Media Capabilities", "c=IN IP4 127.0.0.1", "t=0 0"]
    for label in labels:
        lines += [f"m=audio {rtp_port} RTP/AVP 0 8 101", "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000"]
        lines += [
            "a=rtpmap:101 telephone-event/8000",
            "a=fmtp:101 0-16",
            "a=ptime:20",
            f"a=label:{label}",
            "a=sendonly",
        ]
    return "\r\n".join(lines) + "\r\n"


def whole(*, associations: bool = True, extension: str = "", session: str = "") -> str:
    """Write a complete document of RFC 7865 as its chapter on snapshots has it: times, associations, a group."""
    sends = (
        '<participantstreamassoc participant_id="Pa=="><send>Sa==</send><recv>Sb==</recv></participantstreamassoc>\n'
        '<participantstreamassoc participant_id="Pb=="><send>Sb==</send><recv>Sa==</recv></participantstreamassoc>\n'
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<recording xmlns="urn:ietf:params:xml:ns:recording:1">\n'
        "<datamode>complete</datamode>\n"
        '<group group_id="Gg=="><associate-time>2026-03-01T09:00:00Z</associate-time></group>\n'
        f'<session session_id="Ss=="><sipSessionID>ab12;remote=cd34</sipSessionID>{session}'
        "<group-ref>Gg==</group-ref></session>\n"
        '<participant participant_id="Pa=="><nameID aor="sip:4711@pbx.test"><name xml:lang="en">Cora Caller</name>'
        f"</nameID>{extension}</participant>\n"
        '<participant participant_id="Pb=="><nameID aor="sip:5003@pbx.test"><name xml:lang="en">Abel Agent</name>'
        "</nameID></participant>\n"
        '<stream stream_id="Sa==" session_id="Ss=="><label>1</label></stream>\n'
        '<stream stream_id="Sb==" session_id="Ss=="><label>2</label></stream>\n'
        '<sessionrecordingassoc session_id="Ss=="><associate-time>2026-03-01T09:00:00Z</associate-time>'
        "</sessionrecordingassoc>\n"
        '<participantsessionassoc participant_id="Pa==" session_id="Ss=="><associate-time>2026-03-01T09:00:00Z'
        "</associate-time></participantsessionassoc>\n"
        '<participantsessionassoc participant_id="Pb==" session_id="Ss=="><associate-time>2026-03-01T09:00:00Z'
        f"</associate-time></participantsessionassoc>\n{sends if associations else ''}</recording>\n"
    )


def partial(*elements: str) -> str:
    """Write a document that tells changes only."""
    lines = "\n".join(elements)
    return (
        '<?xml version="1.0"?>\n<recording xmlns="urn:ietf:params:xml:ns:recording:1">\n'
        f"<datamode>partial</datamode>\n{lines}\n</recording>\n"
    )


def association(participant: str, *, send: str = "", recv: str = "", left: bool = False) -> str:
    """Write which streams a participant sends on and hears."""
    inner = (f"<send>{send}</send>" if send else "") + (f"<recv>{recv}</recv>" if recv else "")
    inner += "<disassociate-time>2026-03-01T09:00:05Z</disassociate-time>" if left else ""
    return f'<participantstreamassoc participant_id="{participant}">{inner}</participantstreamassoc>'


# Acme Packet's draft: the streams within the participants, extensions with attributes that are not quoted, and the
# callee's stream only when the callee has answered.
_ORACLE_CALLER = """\
<participant id="urn:uuid:a1" session="urn:uuid:s1">
<nameID aor="sip:4711@10.0.0.9"><name>Cora Caller</name></nameID><send>urn:uuid:t1</send>
<associate-time>2026-03-01T09:00:00</associate-time>
<extensiondata xmlns:apkt="http://acmepacket.com/siprec/extensiondata">
<apkt:callingParty>true</apkt:callingParty><apkt:in-realm>access</apkt:in-realm>
<apkt:header label=P-Asserted-Identity><value>sip:4711@pbx.test</value></apkt:header>
<apkt:ucid>00FA0800190010</apkt:ucid></extensiondata>
</participant>
"""
_ORACLE_HEAD = """\
<?xml version='1.0' encoding='UTF-8'?>
<recording xmlns='urn:ietf:params:xml:ns:recording'>
<dataMode>complete</dataMode>
<session id="urn:uuid:s1"><associate-time>2026-03-01T09:00:00</associate-time></session>
"""
_ORACLE_CALLEE = """\
<participant id="urn:uuid:a2" session="urn:uuid:s1">
<nameID aor="sip:5003@10.0.0.9"><name>Abel Agent</name></nameID>%s
<extensiondata xmlns:apkt="http://acmepacket.com/siprec/extensiondata">
<apkt:callingParty>false</apkt:callingParty></extensiondata>
</participant>
"""
_ORACLE_STREAM = '<stream id="urn:uuid:t%s" session="urn:uuid:s1"><mode>separate</mode><label>%s</label></stream>\n'

_BROADWORKS = (
    '<?xml version="1.0" encoding="UTF-8"?><recording_metadata xmlns="urn:ietf:params:xml:ns:siprec">'
    '<dataMode>complete</dataMode><recording id="urn:uuid:r"><requestor>SRC</requestor></recording>'
    '<session id="urn:uuid:s"><start-time>2026-03-01T09:00:00-04:00</start-time></session>'
    '<participant id="urn:uuid:p1" session="urn:uuid:s"><aor>sip:4711@as.test</aor><name>Cora Caller</name>'
    "<send><id>urn:uuid:t1</id></send></participant>"
    '<participant id="urn:uuid:p2" session="urn:uuid:s"><aor>sip:5003@as.test;user=phone</aor><name>Abel Agent</name>'
    "<send><id>urn:uuid:t2</id></send></participant>"
    '<stream id="urn:uuid:t1" session="urn:uuid:s"><label>1</label><mode>separate</mode></stream>'
    '<stream id="urn:uuid:t2" session="urn:uuid:s"><label>2</label><mode>separate</mode></stream>'
    '<extensiondata id="urn:uuid:e" parent="urn:uuid:s"><broadWorksRecordingMetadata '
    'xmlns="http://schema.broadsoft.test/recording" version="3.0"><extTrackingID>9640-9f89</extTrackingID>'
    "<callType><origCall><callingPartyNumber>sip:+494711@as.test</callingPartyNumber>"
    "<calledPartyNumber>sip:5003@as.test;user=phone</calledPartyNumber></origCall></callType>"
    "</broadWorksRecordingMetadata></extensiondata>\n</recording_metadata>"
)

SHAPES: Mapping[str, Shape] = {
    "RFC 8068": Shape(whole()),
    "Cisco CUBE": Shape(
        whole(),
        headers={
            "User-Agent": "Cisco-SIPGateway/IOS-17",
            "Supported": "timer,resource-priority,replaces,sdp-anat",
            "Cisco-Guid": "2497997952-0000065536-0000000011-0360986378",
            "Session-ID": "a2ce05daf6915bf55d1450c0ae7c3ba0;remote=00000000000000000000000000000000",
            "Session-Expires": "1800",
            "Min-SE": "1800",
            "Allow": "INVITE, OPTIONS, BYE, CANCEL, ACK, PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY, INFO, REGISTER",
            "MIME-Version": "1.0",
        },
        part_headers=(
            "Content-Type: application/sdp\r\nContent-Disposition: session;handling=required",
            "Content-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session;handling=optional",
        ),
        rules={"user1": ["header:Cisco-Guid"], "user2": ["element:sipSessionID"]},
        told={"user1": "2497997952-0000065536-0000000011-0360986378", "user2": "ab12;remote=cd34"},
    ),
    "Oracle, Acme Packet": Shape(
        _ORACLE_HEAD + _ORACLE_CALLER + _ORACLE_CALLEE % "" + _ORACLE_STREAM % (1, 1) + "\n</recording>",
        labels=("1",),
        rules={
            "user3": ["element:ucid"],
            "user4": ["element-user:header/P-Asserted-Identity"],
            "call_direction": ["direction"],
        },
        told={"user3": "00FA0800190010", "user4": "4711", "call_direction": "I"},
        later=_ORACLE_HEAD
        + _ORACLE_CALLER
        + _ORACLE_CALLEE % "<send>urn:uuid:t2</send>"
        + _ORACLE_STREAM % (1, 1)
        + _ORACLE_STREAM % (2, 2)
        + "\n</recording>",
    ),
    "Avaya SBCE": Shape(
        whole(session='<ac:AvayaUCID xmlns:ac="urn:test:Avaya">FA080019001038F725B3</ac:AvayaUCID>'),
        headers={
            "User-Agent": "Avaya-SBCE",
            "User-to-User": "00FA080019001038F725B3;encoding=hex",
            "P-Asserted-Identity": '"Cora Caller" <sip:4711@pbx.test>',
            "Av-Global-Session-ID": "7d7cf3f0-1e5b",
            "Min-SE": "1200",
            "Session-Expires": "1200;refresher=uac",
        },
        rules={"user5": ["element:AvayaUCID"], "user6": ["header:Av-Global-Session-ID"]},
        told={"user5": "FA080019001038F725B3", "user6": "7d7cf3f0-1e5b"},
    ),
    "BroadWorks": Shape(
        _BROADWORKS,
        metadata_first=True,
        headers={"MIME-Version": "1.0", "Recv-Info": "x-broadworks-client-session-info"},
        part_headers=(
            "Content-Type:application/sdp",
            "Content-Type:application/rs-metadata+xml\r\nContent-Disposition:recording-session",
        ),
        rules={"user7": ["element:extTrackingID"], "user8": ["element-user:callingPartyNumber"]},
        told={"user7": "9640-9f89", "user8": "+494711"},
    ),
    "OpenSIPS": Shape(
        whole(associations=False).replace("sip:5003@", "sip:@").replace("Abel Agent", "5003"),
        headers={"User-Agent": "OpenSIPS (3.4)"},
        part_headers=(
            "Content-Type: application/sdp",
            "Content-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session",
        ),
        names=("Cora Caller", "5003"),
    ),
}
