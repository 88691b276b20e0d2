"""INVITEs without end from one address: they ask for calls that nobody will answer.

python -m hil.peers.invite_flood --to 127.0.0.1:5060 --from 127.0.0.66 --per-s 2000 --seconds 10
"""

from __future__ import annotations

import argparse
import json
import secrets
import socket
import time
from typing import Final

from hil.peers.sip_uac import offer_audio

_STEP_S: Final = 0.005


def invite(number: int, run: str, host: str, port: int) -> bytes:
    """Write one INVITE of the flood."""
    body = offer_audio(40_000, 2)
    lines = [
        f"INVITE sip:storm@{host} SIP/2.0",
        f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{run}{number}",
        "Max-Forwards: 70",
        f"From: <sip:storm@{host}>;tag={number}",
        f"To: <sip:storm@{host}>",
        f"Contact: <sip:storm@{host}:{port}>",
        f"Call-ID: {run}-{number}",
        "CSeq: 1 INVITE",
        "Content-Type: application/sdp",
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def flood(target: tuple[str, int], address: str, per_s: float, seconds: float) -> dict[str, float]:
    """Send them, as many a second; gives how many were sent in what time. Answers are left unread."""
    run, sent, begun_s = secrets.token_hex(4), 0, time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
        source.bind((address, 0))
        port = source.getsockname()[1]
        while (passed_s := time.monotonic() - begun_s) < seconds:
            while sent < passed_s * per_s:
                source.sendto(invite(sent, run, address, port), target)
                sent += 1
            time.sleep(_STEP_S)
    return {"sent": sent, "seconds": round(time.monotonic() - begun_s, 2)}


def main() -> int:
    """Flood as the command line says; prints one JSON object."""
    parser = argparse.ArgumentParser(description="Send INVITEs without end.")
    parser.add_argument("--to", required=True, help="HOST:PORT")
    parser.add_argument("--from", dest="address", default="127.0.0.1", help="address of this machine to send from")
    parser.add_argument("--per-s", type=float, default=2000)
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    host, _, port = arguments.to.partition(":")
    sent = flood((host, int(port)), arguments.address, arguments.per_s, arguments.seconds)
    print(json.dumps(sent))  # noqa: T201 -- a program that prints
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
