"""Malformed SIP and RTP, the same for a seed: messages of our own by the categories of RFC 4475, and mutations of them.

Nothing here is sent by itself: whoever sends it says where to, how much and how fast.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Mapping
from typing import Final

CALLED: Final = "9999"
"""Whom the messages call; a trunk that refuses this device takes none of them for a call."""

_SDP: Final = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendonly\r\n"
)
_LIMITS: Final = (b"-1", b"0", b"255", b"65536", b"2147483648", b"4294967296", b"9" * 40, b"0x7f", b"1e9", b"")
_ODD: Final = (
    b"%s%n%x",
    b"\r\n",
    b"\r\n ",
    b"\0",
    b"\xff\xfe",
    b'"',
    b"<",
    b">",
    b";",
    b",",
    b"=",
    b"@",
    b"::",
    b"%00",
)


def message(
    head: Mapping[str, str | None] | None = None,
    *,
    first: str = f"INVITE sip:{CALLED}@127.0.0.1 SIP/2.0",
    more: tuple[str, ...] = (),
    body: str = _SDP,
    number: int = 0,
) -> bytes:
    """Write a request whose headers are right but for those in ``head`` (None leaves one out) and ``more``."""
    headers: dict[str, str | None] = {
        "Via": f"SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKtorture{number}",
        "Max-Forwards": "70",
        "From": f"<sip:torture@127.0.0.1>;tag=t{number}",
        "To": f"<sip:{CALLED}@127.0.0.1>",
        "Call-ID": f"torture-{number}@127.0.0.1",
        "CSeq": "1 INVITE",
        "Contact": "<sip:torture@127.0.0.1:9>",
        "Content-Type": "application/sdp",
        "Content-Length": str(len(body.encode("utf-8", "surrogateescape"))),
        **(head or {}),
    }
    lines = [first, *(f"{name}: {value}" for name, value in headers.items() if value is not None), *more]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("utf-8", "surrogateescape")


def sip_cases() -> dict[str, bytes]:
    """Give one message for each way to be odd or wrong, by its name."""
    uri = f"sip:{CALLED}@127.0.0.1"
    cases = {
        # valid, but rarely seen (RFC 4475, 3.1.1)
        "blanks and folds": message({"From": "\r\n \t<sip:a@b>\r\n\t;\r\n  tag = x", "CSeq": "1\r\n  INVITE"}),
        "escapes": message({"To": "<sip:99%39%39%00x@127.0.0.1;a=%41%FF>"}),
        "compact": message(
            {"Via": None, "From": None}, more=("v: SIP/2.0/UDP a;branch=z9hG4bKc", "f: <sip:a@b>;tag=c")
        ),
        "no length": message({"Content-Length": None}),
        "long values": message({"From": f'"{"n" * 900}" <sip:{"u" * 900}@{"h" * 200}>;tag={"t" * 900}'}),
        "many headers": message(more=tuple(f"X-Extra-{n}: {n}" for n in range(150))),
        "many vias": message({"Via": ", ".join(f"SIP/2.0/UDP h{n};branch=z9hG4bK{n}" for n in range(60))}),
        "semicolon in the user": message(first=f"OPTIONS sip:user;par=u%40example.net@{uri} SIP/2.0"),
        "binary body": message({"Content-Type": "application/octet-stream"}, body="\udcff\udc81\x00\udc80" * 80),
        "parts of nothing": message({"Content-Type": "multipart/mixed;boundary=x"}, body="--x\r\n\r\n--x--\r\n"),
        # invalid (3.1.2)
        "separators too many": message({"Contact": "<sip:a@b>;;,;,,", "From": "<sip:a@b>;;tag=1;;"}),
        "length too great": message({"Content-Length": "9999"}),
        "length below nothing": message({"Content-Length": "-999"}),
        "scalars too great": message(
            {"CSeq": "36893488147419103232 INVITE", "Max-Forwards": "300", "Expires": "1" * 40}
        ),
        "quote left open": message({"To": f'"Mr. J. User <{uri}>'}),
        "uri in brackets": message(first=f"INVITE <{uri}> SIP/2.0"),
        "blanks in the uri": message(first=f"INVITE sip:{CALLED} @127.0.0.1; a=b SIP/2.0"),
        "blanks behind the version": message(first=f"INVITE {uri} SIP/2.0   "),
        "another version": message(first=f"INVITE {uri} SIP/7.0"),
        "no version": message(first=f"INVITE {uri}"),
        "methods that differ": message({"CSeq": "8 OPTIONS"}),
        "an unknown method": message({"CSeq": "8 NEWMETHOD"}, first=f"NEWMETHOD {uri} SIP/2.0"),
        "a bad date": message(more=("Date: Fri, 01 Jan 2010 16:00:00 EST", "Expires: yesterday")),
        "a response too great": message(first="SIP/2.0 4294967301 better not break the receiver"),
        "a response to nobody": message(first="SIP/2.0 200 OK"),
        "no transaction": message({"Via": "SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK"}),
        # what is asked for (3.3)
        "nothing required": message(dict.fromkeys(("From", "To", "Call-ID", "CSeq", "Via"))),
        "an unknown scheme": message(first="INVITE nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0"),
        "values twice": message(more=("CSeq: 5 BYE", "Call-ID: other", "From: <sip:c@d>;tag=2", "Max-Forwards: 5")),
        "lengths twice": message(more=("Content-Length: 5", "Content-Length: 0")),
        "no hops": message({"Max-Forwards": "0"}),
        "unknown requirement": message(more=("Require: nothingSupportsThis", "Proxy-Require: noProxiesSupportThis")),
        "an unknown type": message({"Content-Type": "application/unknownformat"}, body="<audio>"),
        "broadcast in via": message({"Via": "SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKb;received=255.255.255.255"}),
        "bye of nobody": message({"CSeq": "2 BYE"}, first=f"BYE {uri} SIP/2.0"),
        "cancel of nobody": message({"CSeq": "1 CANCEL"}, first=f"CANCEL {uri} SIP/2.0"),
        "ack of nobody": message({"CSeq": "1 ACK"}, first=f"ACK {uri} SIP/2.0"),
        "refer": message({"CSeq": "3 REFER", "Refer-To": "<" * 300}, first=f"REFER {uri} SIP/2.0"),
        "subscribe": message({"CSeq": "3 SUBSCRIBE", "Event": "dialog;;;="}, first=f"SUBSCRIBE {uri} SIP/2.0"),
        "register": message({"CSeq": "3 REGISTER", "Contact": "*", "Expires": "1"}, first=f"REGISTER {uri} SIP/2.0"),
        "authorization": message(more=("Authorization: Digest " + "x=" * 400, "Proxy-Authorization: Digest\r\n ,,,")),
        "metadata alone": message({"Content-Type": "application/rs-metadata+xml"}, body="<recording>" + "<a>" * 300),
        "session timer": message(more=("Session-Expires: 0;refresher=", "Min-SE: 99999999999", "Supported: timer")),
        "replaces": message(more=("Replaces: ;;to-tag", "Join: x;from-tag=1;from-tag=2", "Require: replaces")),
        # not SIP at all
        "nothing": b"",
        "line ends": b"\r\n" * 500,
        "noise": bytes(range(256)) * 8,
        "http": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "one line": b"INVITE " + b"a" * 3000,
        "headers alone": b":\r\n" * 900,
    }
    for name, sdp in sdp_cases().items():
        cases[f"sdp: {name}"] = message(body=sdp)
    return cases


def sdp_cases() -> dict[str, str]:
    """Give one SDP for each way to be odd or wrong, by its name."""
    line = "m=audio 40000 RTP/AVP 0\r\n"
    return {
        "nothing": "v=0\r\n",
        "no address": _SDP.replace("c=IN IP4 127.0.0.1\r\n", ""),
        "a name for an address": _SDP.replace("IN IP4 127.0.0.1", "IN IP4 nobody.invalid"),
        "IPv6": _SDP.replace("IN IP4 127.0.0.1", "IN IP6 ::1"),
        "ports": _SDP.replace("40000", "99999999999"),
        "port below nothing": _SDP.replace("40000", "-40000"),
        "a hundred streams": _SDP + line * 100,
        "formats without end": _SDP.replace("AVP 0", "AVP " + "0 " * 900),
        "formats too great": _SDP.replace("AVP 0", "AVP 300 -1 x"),
        "rtpmap": _SDP.replace("PCMU/8000", "/////"),
        "rate of nothing": _SDP.replace("PCMU/8000", "PCMU/0"),
        "ptime": _SDP + "a=ptime:0\r\na=maxptime:-5\r\n",
        "label": _SDP + "a=label:" + "l" * 1500 + "\r\n",
        "another profile": _SDP.replace("RTP/AVP", "RTP/SAVPF"),
        "lines without values": "v=\r\no=\r\ns=\r\nc=\r\nt=\r\nm=\r\na=\r\n",
        "directions": _SDP + "a=sendrecv\r\na=inactive\r\na=recvonly\r\n",
        "crypto": _SDP + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "x" * 300 + "\r\n",
        "candidates": _SDP + "a=candidate:1 1 UDP 1 999.999.999.999 0 typ host\r\n" * 40,
    }


def mutations(seed: int, count: int) -> Iterator[bytes]:
    """Give messages that were right, or one of the cases, before something was done to them (PROTOS's way)."""
    draw = random.Random(seed)
    cases = list(sip_cases().values())
    for number in range(count):
        octets = bytearray(draw.choice(cases) if draw.random() < 0.3 else message(number=number))
        for _ in range(draw.randrange(1, 6)):
            _spoil(octets, draw)
        yield bytes(octets[:8000])


def _spoil(octets: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(octets) + 1)
    match draw.randrange(6):
        case 0:
            octets[at : at + 1] = draw.randbytes(1)
        case 1:
            del octets[at : at + draw.randrange(60)]
        case 2:
            octets[at:at] = bytes(octets[at : at + 40]) * draw.randrange(60)
        case 3:
            octets[at:at] = draw.choice(_ODD) * draw.randrange(1, 30)
        case 4:
            octets[at : at + draw.randrange(1, 6)] = draw.choice(_LIMITS)
        case _:
            end = octets.find(b"\r\n", at)
            octets[at : max(at, end)] = draw.randbytes(draw.randrange(200))


def malformed_rtp(seed: int, count: int) -> Iterator[bytes]:
    """Give packets for an RTP port that are no RTP, or lie about their own length; none holds audio."""
    draw = random.Random(seed)
    for _ in range(count):
        head = struct.pack("!BBHII", 0x80, 0, draw.randrange(1 << 16), draw.randrange(1 << 32), draw.randrange(1 << 32))
        noise = draw.randbytes(draw.randrange(200))
        match draw.randrange(7):
            case 0:
                yield noise[:11]  # too short for a header
            case 1:
                yield bytes([draw.choice((0x00, 0x40, 0xC0)) | draw.randrange(64)]) + head[1:] + noise  # version
            case 2:
                yield b"\x8f" + head[1:] + noise[:50]  # more sources than there are octets
            case 3:
                yield b"\x90" + head[1:] + struct.pack("!HH", draw.randrange(1 << 16), 0xFFFF) + noise  # extension
            case 4:
                yield b"\x9f" + head[1:]  # sources and an extension, and nothing behind
            case 5:
                yield b"\x00" + draw.randbytes(1499)  # as long as a frame holds
            case _:
                yield b""


def malformed_rtcp(seed: int, count: int) -> Iterator[bytes]:
    """Give packets for an RTCP port: reports, descriptions and goodbyes that lie about their length."""
    draw = random.Random(seed)
    for _ in range(count):
        kind, length, blocks = draw.choice((200, 201, 202, 203, 204, 205, 206, 207, 0)), draw.randrange(1 << 16), 31
        head = struct.pack("!BBHI", 0x80 | draw.randrange(blocks + 1), kind, length, draw.randrange(1 << 32))
        yield head[: draw.randrange(9)] + draw.randbytes(draw.randrange(120))
